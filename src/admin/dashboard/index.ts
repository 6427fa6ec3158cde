import { parseEnvelopeId } from '../../core/ids.ts'
import type { AdminWing } from '../rest.ts'
import { readAssets } from './assets.ts'
import { assetHeaders } from './headers.ts'
import { liveRoute } from './live.ts'
import { createRenderer } from './render.tsx'
import { settleView } from './settle.tsx'
import type { DashboardParts } from './viewing.ts'
import { actionView } from './views/action.tsx'
import { activityView } from './views/activity.tsx'
import { approvalsView, approvalView } from './views/approvals.tsx'
import { auditView } from './views/audit.tsx'
import { approveBundle, bundlesView } from './views/bundles.tsx'
import { evidenceView } from './views/evidence.tsx'
import { keysView, newKeyView, revokeKeyView } from './views/keys.tsx'
import { notificationsView, retryView } from './views/notifications.tsx'
import { policiesView, policyView, rollbackView } from './views/policies.tsx'
import { roomsView, roomView } from './views/rooms.tsx'
import { sessionView, verifyView } from './views/session.tsx'
import { sessionsView } from './views/sessions.tsx'

export type { DashboardParts } from './viewing.ts'

/** The pages for people: at `/`, for browsers that brought a login, and for whoever sends a key. */
export function dashboard(parts: DashboardParts): AdminWing {
  const assets = readAssets()
  const { page, change } = createRenderer(parts, assets)
  return (app, via) => {
    for (const { name, type, body } of Object.values(assets)) {
      app.get(`/assets/${name}`, () => new Response(body, { headers: assetHeaders(type) }))
    }
    app.get('/live', liveRoute(parts))
    app.get('/', page(activityView))
    app.get('/approvals', page(approvalsView))
    app.get('/approvals/:id', page(approvalView))
    app.post('/approvals/:id/:verb{approve|deny}', change(settleView(via)))
    app.get('/bundles', page(bundlesView))
    app.post('/bundles/approve', change(approveBundle(via)))
    app.get('/actions/:id', page(actionView))
    app.get('/audit', page(auditView))
    app.get('/sessions', page(sessionsView))
    app.get('/session', page(sessionView))
    app.post('/session/verify', change(verifyView))
    app.get('/rooms', page(roomsView))
    app.get('/rooms/:id', page(roomView))
    app.get('/policies', page(policiesView))
    app.get('/policies/:number', page(policyView))
    app.post('/policies/:number/rollback', change(rollbackView))
    app.get('/evidence', page(evidenceView))
    app.get('/keys', page(keysView))
    app.post('/keys', change(newKeyView))
    app.post('/keys/revoke', change(revokeKeyView))
    app.get('/notifications', page(notificationsView))
    app.post('/notifications/retry', change(retryView))
    // A browser that follows the address which agents are told: it can send no key by itself.
    app.get('/admin/v1/approvals/:id', async (context, next) => {
      const id = parseEnvelopeId(context.req.param('id'))
      return id === null || !isBrowser(context.req) ? next() : context.redirect(`/approvals/${id}`, 303)
    })
  }
}

function isBrowser(request: { header(name: string): string | undefined }): boolean {
  const keyless = request.header('x-api-key') === undefined && request.header('authorization') === undefined
  return keyless && /\btext\/html\b/.test(request.header('accept') ?? '')
}
