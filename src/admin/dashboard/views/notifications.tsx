import type { NotificationStatus } from '../../../notifications/index.ts'
import { formOf } from '../../door.ts'
import { Said } from '../parts/said.tsx'
import { duration, When } from '../parts/when.tsx'
import type { View } from '../viewing.ts'
import type { Visitor } from '../visitor.ts'

/** Where messages go, how far behind each place is, and what could not be delivered. */
export const notificationsView: View = async ({ parts, visitor }) => {
  const status = await parts.notifications.status(visitor.key)
  return {
    ...{ title: 'Notifications', place: 'notifications' },
    body: (
      <>
        <h1>Notifications</h1>
        {status.endpoints.length === 0 ? (
          <p class="dim">
            Nobody is told: <code>notifications</code> in <code>aegis.yaml</code> names who is.
          </p>
        ) : (
          <Endpoints endpoints={status.endpoints} />
        )}
        <h2>Given up</h2>
        {status.dead.length === 0 ? <p class="dim">Nothing.</p> : null}
        <Dead dead={status.dead} visitor={visitor} />
      </>
    ),
  }
}

function Endpoints({ endpoints }: Pick<NotificationStatus, 'endpoints'>) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Place</th>
          <th scope="col">Events</th>
          <th scope="col">Waiting</th>
          <th scope="col">Last error</th>
        </tr>
      </thead>
      <tbody>
        {endpoints.map((one) => (
          <tr>
            <th scope="row">
              {one.name} <span class="dim">{one.kind}</span>
            </th>
            <td>
              <Said text={one.place} brief={160} />
            </td>
            <td>{one.events.join(', ')}</td>
            <td>{one.waiting === 0 ? 'nothing waits' : `${one.waiting} for ${duration(one.lagSeconds * 1000)}`}</td>
            <td>
              {one.lastError === null ? (
                ''
              ) : (
                <>
                  <When at={one.lastError.at} />: <Said text={one.lastError.error} brief={300} />
                </>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Dead({ dead, visitor }: Pick<NotificationStatus, 'dead'> & { readonly visitor: Visitor }) {
  return (
    <ul class="timeline">
      {dead.map(({ id, endpoint, event, failedAt, error }) => (
        <li>
          <When at={failedAt} /> {event} for {endpoint}: <Said text={error} brief={300} />
          {visitor.key.role !== 'admin' ? null : (
            <form method="post" action="/notifications/retry">
              {visitor.csrf === null ? null : <input type="hidden" name="csrf" value={visitor.csrf} />}
              <input type="hidden" name="id" value={id} />
              <button type="submit" class="plain">
                Try again
              </button>
            </form>
          )}
        </li>
      ))}
    </ul>
  )
}

export const retryView: View = async ({ parts, visitor, context }) => {
  await parts.notifications.retry(visitor.key, (await formOf(context)).get('id') ?? '')
  return context.redirect('/notifications', 303)
}
