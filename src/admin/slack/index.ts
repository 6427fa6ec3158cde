export { createSlackApi } from './api.ts'
export { slackEndpoint, slackPlaces } from './endpoint.ts'
export { slackInteractions } from './interactions.ts'
export { createReviewerMap } from './reviewers.ts'
