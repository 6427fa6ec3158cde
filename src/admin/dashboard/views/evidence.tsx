import type { JsonObject } from '../../../core/json.ts'
import type { EvidenceDesk } from '../../../oversight/evidence.ts'
import { Said } from '../parts/said.tsx'
import { When } from '../parts/when.tsx'
import { sessionPath } from '../queue.ts'
import type { View } from '../viewing.ts'

/** Whether what is recorded can be trusted, and by whose word: checkpoint, anchors, scrubber, holds. */
export const evidenceView: View = async ({ parts, visitor }) => {
  const { evidence } = parts.oversight
  const [checkpoint, anchors, scrubbed, holds] = await Promise.all([
    evidence.checkpoint().catch(() => null),
    evidence.anchors(visitor.key),
    evidence.scrubbed(visitor.key),
    evidence.holds(visitor.key),
  ])
  return {
    ...{ title: 'Evidence', place: 'evidence' },
    body: (
      <>
        <h1>Evidence</h1>
        <Cards size={checkpoint?.size ?? null} anchors={anchors.length} scrubbed={scrubbed} />
        <h2>Newest checkpoint</h2>
        {checkpoint === null ? (
          <p class="dim">This log is not signed.</p>
        ) : (
          <>
            <pre tabindex={0}>{checkpoint.note}</pre>
            <p class="dim">
              Keep it: with an old checkpoint anybody can prove that the log of <code>{evidence.origin}</code> only
              grew.
            </p>
          </>
        )}
        <h2>Anchors</h2>
        <Anchors anchors={anchors} />
        <h2>Legal holds</h2>
        {holds.length === 0 ? <p class="dim">No session is held.</p> : null}
        <ul class="plain">
          {holds.map(({ session, reason, at }) => (
            <li>
              <a href={sessionPath(session)}>
                <Said text={session} brief={128} />
              </a>{' '}
              since <When at={at} seconds={false} />: <Said text={reason} />
            </li>
          ))}
        </ul>
      </>
    ),
  }
}

interface CardsProps {
  readonly size: number | null
  readonly anchors: number
  readonly scrubbed: Awaited<ReturnType<EvidenceDesk['scrubbed']>>
}

function Cards({ size, anchors, scrubbed }: CardsProps) {
  return (
    <ul class="cards">
      <li class="card">
        <h2>Entries signed for</h2>
        <p class="big">{size ?? 'none'}</p>
      </li>
      <li class="card">
        <h2>Places outside</h2>
        <p class="big">{anchors}</p>
        {anchors === 0 ? <p class="dim">Who owns this machine could rewrite the log unseen.</p> : null}
      </li>
      <li class="card">
        <h2>Looked at again</h2>
        <p class="big">{scrubbed === null ? 'off' : `${scrubbed.rounds} rounds`}</p>
        {scrubbed === null ? null : (
          <p class={scrubbed.damage === null ? 'dim' : 'fault'}>
            {scrubbed.damage === null ? (
              `now at entry ${scrubbed.position}, nothing damaged`
            ) : (
              <Said text={scrubbed.damage} />
            )}
          </p>
        )}
      </li>
    </ul>
  )
}

function Anchors({ anchors }: { readonly anchors: readonly JsonObject[] }) {
  if (anchors.length === 0) return <p class="dim">None is configured.</p>
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Anchor</th>
          <th scope="col">Kind</th>
          <th scope="col" class="num">
            Anchored
          </th>
          <th scope="col">Behind</th>
          <th scope="col">Last error</th>
        </tr>
      </thead>
      <tbody>
        {anchors.map((anchor) => (
          <tr>
            <th scope="row">{String(anchor['name'])}</th>
            <td>{String(anchor['kind'])}</td>
            <td class="num" data-name="anchored">
              {String(anchor['anchored_size'] ?? 'never')}
            </td>
            <td>
              {String(anchor['lag_entries'])} entries, {String(anchor['lag_seconds'])} s
            </td>
            <td>
              {anchor['last_error'] === null ? '' : <Said text={JSON.stringify(anchor['last_error'])} brief={300} />}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
