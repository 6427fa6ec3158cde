import { AegisError } from '../../../core/errors.ts'
import { reviewerName } from '../../../core/reviewer-name.ts'
import type { ShownVersion } from '../../../oversight/policies.ts'
import { formOf } from '../../door.ts'
import { PolicyChanges } from '../parts/policy-changes.tsx'
import { Said } from '../parts/said.tsx'
import { When } from '../parts/when.tsx'
import { WouldChange } from '../parts/would-change.tsx'
import { asked, askedNumber, type View, type Viewing } from '../viewing.ts'

const ROWS = 50
/** Entries of the log that are judged again at a press. */
const JUDGED = 2000

/** Every policy that was in force, the present one first. */
export const policiesView: View = async (viewing) => {
  const { parts, visitor } = viewing
  const desk = parts.oversight.policies
  const before =
    asked(viewing, 'before') === '' ? undefined : askedNumber(viewing, 'before', 1, Number.MAX_SAFE_INTEGER)
  const versions = await desk.history(visitor.key, ROWS, before)
  const refused = desk.refused(visitor.key)
  const last = versions.at(-1)
  return {
    ...{ title: 'Policies', place: 'policies' },
    body: (
      <>
        <h1>Policies</h1>
        {refused === null ? null : (
          <div class="callout k-deny">
            The files as they lie on disk are not in force: <Said text={refused.message} lines />
          </div>
        )}
        <Versions versions={versions} />
        {versions.length < ROWS || last === undefined ? null : (
          <a href={`/policies?before=${last.version.number}`}>Older</a>
        )}
      </>
    ),
  }
}

function Versions({ versions }: { readonly versions: readonly ShownVersion[] }) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Version</th>
          <th scope="col">Documents</th>
          <th scope="col">Since (UTC)</th>
          <th scope="col">Because</th>
          <th scope="col">Digest</th>
        </tr>
      </thead>
      <tbody>
        {versions.map(({ version, inForce }) => (
          <tr>
            <th scope="row">
              <a href={`/policies/${version.number}`}>{version.number}</a>{' '}
              {inForce ? <span class="badge k-allow">in force</span> : null}
            </th>
            <td>
              <Said text={version.names.join(', ')} brief={160} />
            </td>
            <td class="time">
              <When at={version.at} />
            </td>
            <td>
              <Cause version={version} />
            </td>
            <td>
              <code>{version.digest.slice(0, 12)}</code>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Cause({ version }: Pick<ShownVersion, 'version'>) {
  const { cause, of, by } = version
  if (cause === 'start') return 'a start with these files'
  if (cause === 'reload') return 'the files changed'
  return (
    <>
      back to version {of}
      {by === null ? null : (
        <>
          {' '}
          by <Said text={reviewerName({ ...by, claimed: null })} brief={80} />
        </>
      )}
    </>
  )
}

/** One version: its texts, what it changed, and what it would make of what is recorded. */
export const policyView: View = async (viewing) => {
  const { parts, visitor, context } = viewing
  const desk = parts.oversight.policies
  const number = numberOf(context.req.param('number') ?? '')
  const { version, inForce, findings } = await desk.version(visitor.key, number)
  const was = asked(viewing, 'was') === '' ? number - 1 : askedNumber(viewing, 'was', 1, Number.MAX_SAFE_INTEGER)
  const diff =
    was < 1 || was === number ? null : await desk.diff(visitor.key, { version: was }, { version: number }).catch(known)
  const judged = await judgedAgain(viewing, number)
  return {
    ...{ title: `Policy version ${number}`, place: 'policies' },
    body: (
      <>
        <h1>
          Policy version {number} {inForce ? <span class="badge k-allow">in force</span> : null}
        </h1>
        <p class="dim">
          Since <When at={version.at} />: <Cause version={version} />. Digest <code>{version.digest}</code>
          {version.leaf === null ? '' : `, entry ${version.leaf} of the log`}
        </p>
        <Findings findings={findings} />
        {inForce ? null : <Rollback viewing={viewing} number={number} />}
        <section aria-labelledby="changes">
          <h2 id="changes">{was < 1 ? 'The first version' : `Changes from version ${was}`}</h2>
          {was < 1 ? null : diff instanceof AegisError ? (
            <p class="dim">
              <Said text={diff.message} lines />
            </p>
          ) : (
            <PolicyChanges diff={diff} />
          )}
        </section>
        <section aria-labelledby="would">
          <h2 id="would">What it would make of what is recorded</h2>
          {judged === null ? <AskReplay number={number} /> : <WouldChange {...judged} />}
        </section>
        <Texts version={version} />
      </>
    ),
  }
}

function Findings({ findings }: { readonly findings: readonly string[] }) {
  if (findings.length === 0) return null
  return (
    <div class="callout k-deny">
      It could not be put into force by the program of today:
      <ul>
        {findings.map((finding) => (
          <li>
            <Said text={finding} lines />
          </li>
        ))}
      </ul>
    </div>
  )
}

function Texts({ version }: Pick<ShownVersion, 'version'>) {
  return (
    <section aria-labelledby="texts">
      <h2 id="texts">Texts</h2>
      {version.sources.map(({ file, text }) => (
        <details class="block" open={version.sources.length === 1}>
          <summary>
            <Said text={file} name="strict" brief={160} />
          </summary>
          <pre tabindex={0}>
            <Said text={text} lines first={20_000} />
          </pre>
        </details>
      ))}
    </section>
  )
}

/** What is expected to go wrong is told in its place; all else is not. */
function known(error: unknown): AegisError {
  if (error instanceof AegisError) return error
  throw error
}

function numberOf(text: string): number {
  const number = Number(text)
  if (/^\d{1,9}$/.test(text) && number >= 1) return number
  throw new AegisError('not_found', 'there is no such version')
}

/** Null where nobody asked for it: it takes a while. */
async function judgedAgain({ parts, visitor, ...viewing }: Viewing, version: number) {
  if (asked({ parts, visitor, ...viewing }, 'replay') !== 'yes') return null
  const { replay } = parts.oversight.policies
  const { size } = await replay(visitor.key, { version }, Number.MAX_SAFE_INTEGER)
  const from = Math.max(0, size - JUDGED)
  return { from, ...(await replay(visitor.key, { version }, from)) }
}

function AskReplay({ number }: { readonly number: number }) {
  return (
    <form method="get" action={`/policies/${number}#would`}>
      <input type="hidden" name="replay" value="yes" />
      <button type="submit">Judge the newest entries again</button>
    </form>
  )
}

function Rollback({ viewing, number }: { readonly viewing: Viewing; readonly number: number }) {
  const { key, csrf } = viewing.visitor
  if (key.role !== 'admin') return null
  return (
    <form method="post" action={`/policies/${number}/rollback`} class="line">
      {csrf === null ? null : <input type="hidden" name="csrf" value={csrf} />}
      <label>
        <input type="checkbox" name="sure" value="yes" required /> I know that this changes what agents may do at once
      </label>
      <button type="submit">Put version {number} into force again</button>
    </form>
  )
}

/** Goes back to a version: it becomes a new one, with the name of who did it. */
export const rollbackView: View = async (viewing) => {
  const { parts, visitor, context } = viewing
  const number = numberOf(context.req.param('number') ?? '')
  if ((await formOf(context)).get('sure') !== 'yes') {
    throw new AegisError('invalid_request', 'nothing was changed', { advice: 'tick the box beside the button' })
  }
  const { version } = await parts.oversight.policies.rollback(visitor.key, number, null)
  return context.redirect(`/policies/${version.number}`, 303)
}
