import type { PolicyDiff, RuleChange } from '../../../policy-set/index.ts'
import { Said } from './said.tsx'

/** What differs between two versions, rule by rule. */
export function PolicyChanges({ diff }: { readonly diff: PolicyDiff | null }) {
  if (diff === null || diff.documents.length === 0) return <p class="dim">Nothing that decides anything.</p>
  return (
    <>
      {diff.documents.map(({ name, kind, defaultDecision, rules, guards }) => (
        <section class="block">
          <h3>
            <Said text={name} name="strict" brief={160} /> <span class="dim">{kind}</span>
          </h3>
          <pre class="diff" tabindex={0}>
            {defaultDecision === null ? null : (
              <>
                <Line mark="-" text={`default_decision: ${defaultDecision.was ?? 'none'}`} />
                <Line mark="+" text={`default_decision: ${defaultDecision.is ?? 'none'}`} />
              </>
            )}
            {rules.map((change) => (
              <Rule change={change} />
            ))}
            {guards.removed.map((guard) => (
              <Line mark="-" text={`guard ${guard}`} />
            ))}
            {guards.added.map((guard) => (
              <Line mark="+" text={`guard ${guard}`} />
            ))}
            {guards.changed.map((guard) => (
              <Line mark="±" text={`guard ${guard}`} />
            ))}
          </pre>
        </section>
      ))}
    </>
  )
}

function Rule({ change }: { readonly change: RuleChange }) {
  switch (change.kind) {
    case 'added':
      return <Line mark="+" text={change.is.text} />
    case 'removed':
      return <Line mark="-" text={change.was.text} />
    case 'moved':
      return (
        <Line mark="±" text={`moved from place ${change.was.index + 1} to ${change.is.index + 1}: ${change.is.text}`} />
      )
    default:
      return (
        <>
          <Line mark="-" text={change.was.text} />
          <Line mark="+" text={change.is.text} />
        </>
      )
  }
}

const SIGNS = { '+': 'plus', '-': 'minus', '±': 'same' } as const

function Line({ mark, text }: { readonly mark: keyof typeof SIGNS; readonly text: string }) {
  return (
    <span class={SIGNS[mark]}>
      <span class="sign">{mark}</span>
      <Said text={text} lines first={1000} />
      {'\n'}
    </span>
  )
}
