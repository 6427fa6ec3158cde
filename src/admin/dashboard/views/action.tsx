import { AegisError } from '../../../core/errors.ts'
import { parseEnvelopeId } from '../../../core/ids.ts'
import { isObject } from '../../../core/json.ts'
import { isLogin } from '../../../core/reviewer-name.ts'
import { isDecision } from '../activity.ts'
import { type SeenEntry, seen } from '../entry-view.ts'
import { Arguments } from '../parts/arguments.tsx'
import { Blast, Decision, Tool } from '../parts/badges.tsx'
import { Sentence } from '../parts/phrase.tsx'
import { RulesThen } from '../parts/rules-then.tsx'
import { Said } from '../parts/said.tsx'
import { Outcome } from '../parts/timeline.tsx'
import { When } from '../parts/when.tsx'
import { labelOf, sessionPath } from '../queue.ts'
import type { View } from '../viewing.ts'

/** One action from the question to its result, as the evidence has it. */
export const actionView: View = async ({ parts, visitor, context }) => {
  const text = context.req.param('id') ?? ''
  const id = parseEnvelopeId(text)
  const opened = id === null ? [] : await parts.oversight.contents.action(visitor.key, id)
  const entries = opened.map(seen)
  const asked = entries.find(({ kind }) => isDecision(kind)) ?? entries[0]
  if (asked === undefined) throw new AegisError('not_found', `no action ${text.slice(0, 64)}`)
  const { decisions } = await parts.oversight.why.why(visitor.key, asked.env)
  const params = opened.find(({ n }) => n === asked.n)?.values.params
  const result = opened.find(({ values }) => values.result !== undefined)?.values.result
  return {
    ...{ title: 'Action', place: 'audit' },
    body: (
      <article class="detail">
        <p class="line">
          <Decision kind={asked.kind} /> {asked.blast === null ? null : <Blast {...asked.blast} />}{' '}
          <Tool name={asked.tool} />
        </p>
        <h1>
          <Sentence of={asked.summary} />
        </h1>
        <p class="dim">
          <Said text={asked.agent} name="strict" /> in{' '}
          <a href={sessionPath(asked.session)}>
            <Said text={labelOf(asked.session)} />
          </a>
          , envelope <code>{asked.env}</code>
        </p>
        <h2>What happened</h2>
        <Steps entries={entries} />
        <RulesThen decisions={decisions} />
        <h2>Arguments</h2>
        <Arguments parameters={isObject(params) ? params : null} />
        {result === undefined ? null : (
          <>
            <h2>Result</h2>
            <pre tabindex={0}>
              <Said text={typeof result === 'string' ? result : JSON.stringify(result, null, 2)} lines />
            </pre>
          </>
        )}
      </article>
    ),
  }
}

function Steps({ entries }: { readonly entries: readonly SeenEntry[] }) {
  return (
    <ol class="steps">
      {entries.map((entry) => (
        <li>
          <p>
            <When at={entry.ts} /> <Decision kind={entry.kind} /> <Who entry={entry} />
            <Outcome entry={entry} />
          </p>
          {entry.justification === null ? null : (
            <blockquote>
              <span class="dim">The agent’s own words:</span> <Said text={entry.justification} lines />
            </blockquote>
          )}
          <Findings of={entry.findings} />
          <p class="dim hash">
            entry {entry.n}, <code>{entry.hash}</code>
          </p>
        </li>
      ))}
    </ol>
  )
}

function Who({ entry }: { readonly entry: SeenEntry }) {
  if (entry.reviewer !== null) {
    return (
      <>
        by <Said text={entry.reviewer.name} />{' '}
        <span class="dim">
          ({isLogin(entry.reviewer.principal) ? 'login' : 'key'} <Said text={entry.reviewer.principal} />, by{' '}
          <Said text={entry.reviewer.channel} />)
        </span>
      </>
    )
  }
  return entry.rule === '' ? null : (
    <>
      by rule{' '}
      <code>
        <Said text={entry.rule} />
      </code>{' '}
      of <Said text={entry.policy} />
    </>
  )
}

function Findings({ of }: { readonly of: SeenEntry['findings'] }) {
  if (of.length === 0) return null
  return (
    <ul class="findings">
      {of.map(({ name, verdict }) => (
        <li>
          <Decision kind={verdict} />{' '}
          <code>
            <Said text={name} name="strict" />
          </code>
        </li>
      ))}
    </ul>
  )
}
