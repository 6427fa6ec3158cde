import { ROOM_ROLES } from '../../../core/facts.ts'
import type { Room, RoomReport } from '../../../rooms/index.ts'
import { Decision } from '../parts/badges.tsx'
import { Bars } from '../parts/chart-bars.tsx'
import { Said } from '../parts/said.tsx'
import { When } from '../parts/when.tsx'
import type { View } from '../viewing.ts'

/** A report looks at so much time, in milliseconds. */
const REPORTED_MS = 7 * 86_400_000
const MODES = { enforce: 'enforces', warn: 'warns', observe: 'only watches' } as const
const VERDICTS = ['allow', 'rewrite', 'review', 'block'] as const

/** Repositories under governance. */
export const roomsView: View = async ({ parts, visitor }) => {
  const rooms = parts.oversight.rooms.list(visitor.key)
  return {
    ...{ title: 'Rooms', place: 'rooms' },
    body: (
      <>
        <h1>Rooms</h1>
        {rooms.length === 0 ? (
          <p class="dim">
            No repository has a room yet: <code>aegisctl rooms create owner/name</code>
          </p>
        ) : (
          <ul class="cards">
            {rooms.map((room) => (
              <li class="card">
                <h2>
                  <a href={`/rooms/${encodeURIComponent(room.id)}`}>
                    <Said text={nameOf(room)} name="strict" />
                  </a>
                </h2>
                <p>
                  <span class={`badge k-${room.mode === 'enforce' ? 'allow' : 'review'}`}>{MODES[room.mode]}</span>{' '}
                  {room.members.length} {room.members.length === 1 ? 'member' : 'members'}
                </p>
                <p class="dim">
                  <code>{room.id}</code>
                </p>
              </li>
            ))}
          </ul>
        )}
      </>
    ),
  }
}

/** One room: who is in it, what its roles may use, which keys reach it, and what was decided in it. */
export const roomView: View = async ({ parts, visitor, context, now }) => {
  const desk = parts.oversight.rooms
  const room = await desk.find(visitor.key, context.req.param('id') ?? '')
  const [keys, { report, complete }] = await Promise.all([
    desk.keys(visitor.key, room.id),
    desk.report(visitor.key, room.id, now - REPORTED_MS),
  ])
  return {
    ...{ title: `Room ${nameOf(room)}`, place: 'rooms' },
    body: (
      <>
        <h1>
          <Said text={nameOf(room)} name="strict" />
        </h1>
        <Settings room={room} />
        <Members room={room} />
        <Tools room={room} />
        <h2>Keys</h2>
        {keys.length === 0 ? <p class="dim">None is confined to this room.</p> : null}
        <ul class="plain">
          {keys.map((key) => (
            <li>
              <code>{key.id}</code> <Said text={key.name} name="strict" /> as {key.room?.role}
              {key.revokedAt === null ? null : <span class="fault"> revoked</span>}
              {key.lastUsedAt === null ? null : (
                <span class="dim">
                  {' '}
                  last used <When at={key.lastUsedAt} seconds={false} />
                </span>
              )}
            </li>
          ))}
        </ul>
        <h2>The last seven days</h2>
        {complete ? null : <p class="dim">The log is longer than was looked through.</p>}
        <Report report={report} mode={room.mode} />
      </>
    ),
  }
}

function nameOf({ repository }: Room): string {
  return `${repository.owner}/${repository.name}`
}

function Settings({ room }: { readonly room: Room }) {
  return (
    <dl class="facts">
      <div>
        <dt>Mode</dt>
        <dd>
          {MODES[room.mode]}
          {room.mode === 'enforce' ? '' : ': what it would decide is recorded, and not done'}
        </dd>
      </div>
      <div>
        <dt>Where no rule matches</dt>
        <dd>
          {room.permission === null
            ? 'the policy decides'
            : `reads: ${room.permission.read}, writes: ${room.permission.write}`}
        </dd>
      </div>
      <div>
        <dt>Room</dt>
        <dd>
          <code>{room.id}</code>, version {room.version}, changed <When at={room.updatedAt} />
        </dd>
      </div>
    </dl>
  )
}

function Members({ room }: { readonly room: Room }) {
  return (
    <>
      <h2>Members</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Role</th>
          </tr>
        </thead>
        <tbody>
          {room.members.map(({ name, role }) => (
            <tr>
              <th scope="row">
                <Said text={name} name="strict" />
              </th>
              <td>{role}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}

function Tools({ room }: { readonly room: Room }) {
  const named = [...new Set(ROOM_ROLES.flatMap((role) => Object.keys(room.tools[role])))].sort()
  return (
    <>
      <h2>Tools by role</h2>
      {named.length === 0 ? (
        <p class="dim">No role is told what it may use: the policy decides alone.</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Tool</th>
              {ROOM_ROLES.map((role) => (
                <th scope="col">{role}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {named.map((tool) => (
              <tr>
                <th scope="row">
                  <code>
                    <Said text={tool} name="strict" />
                  </code>
                </th>
                {ROOM_ROLES.map((role) => (
                  <td>{wordOf(room.tools[role][tool])}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  )
}

function wordOf(may: boolean | undefined) {
  if (may === undefined) return <span class="dim">by policy</span>
  return may ? 'may' : <span class="fault">may not</span>
}

function Report({ report, mode }: { readonly report: RoomReport; readonly mode: Room['mode'] }) {
  if (report.calls === 0) return <p class="dim">Nobody called.</p>
  return (
    <>
      <p class="line">
        {report.calls} calls{mode !== 'enforce' ? ', which it would have decided so:' : ':'}
        {VERDICTS.map((verdict) => (
          <span>
            {report.would[verdict]} <Decision kind={verdict} />
          </span>
        ))}
      </p>
      <div class="charts">
        <Bars
          title="Most called"
          bars={report.tools.slice(0, 8).map(({ tool, calls }) => ({ name: tool, count: calls }))}
          empty=""
        />
      </div>
      <p>
        <code>aegisctl rooms report</code> has every moment of it.
      </p>
    </>
  )
}
