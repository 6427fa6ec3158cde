export { createSlackApi } from './api.ts'
export { SLACK, slackEndpoint } from './endpoint.ts'
export { slackInteractions } from './interactions.ts'
export { createReviewerMap } from './reviewers.ts'
