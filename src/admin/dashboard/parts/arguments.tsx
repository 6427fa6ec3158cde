import type { ChangedLine } from '../../../core/changes.ts'
import type { JsonObject } from '../../../core/json.ts'
import { type ShownArgument, shownArguments } from '../../../oversight/arguments.ts'
import { Said } from './said.tsx'

/** Lines of one file that are shown at first, and at all. */
const FIRST_LINES = 60
const MOST_LINES = 4000

/** The arguments as they will run, short ones first, files as differences. */
export function Arguments({ parameters }: { readonly parameters: JsonObject | null }) {
  if (parameters === null) return <p class="dim">The arguments are not kept any more: the evidence holds what ran.</p>
  const shown = shownArguments(parameters)
  const values = shown.filter((one) => one.kind === 'value')
  return (
    <>
      {shown.length === 0 ? <p class="dim">No arguments.</p> : null}
      {values.length === 0 ? null : (
        <dl class="facts args">
          {values.map(({ name, value }) => (
            <div>
              <dt>
                <Said text={name} name="strict" />
              </dt>
              <dd>
                <Said text={typeof value === 'string' ? value : JSON.stringify(value, null, 2)} lines name="words" />
              </dd>
            </div>
          ))}
        </dl>
      )}
      {shown.map((one) => (
        <Block argument={one} />
      ))}
    </>
  )
}

function Block({ argument }: { readonly argument: ShownArgument }) {
  switch (argument.kind) {
    case 'value':
      return null
    case 'text':
      return (
        <section class="block">
          <h3>
            <Said text={argument.name} name="strict" />
          </h3>
          <pre tabindex={0}>
            <Said text={argument.text} lines first={6000} />
          </pre>
        </section>
      )
    default:
      return <FileChange file={argument} />
  }
}

function FileChange({ file }: { readonly file: Extract<ShownArgument, { kind: 'file' }> }) {
  const { path, lines, known } = file
  const added = lines.filter(({ mark }) => mark === '+').length
  const gone = lines.filter(({ mark }) => mark === '-').length
  const rest = lines.slice(FIRST_LINES, MOST_LINES)
  return (
    <section class="block file">
      <h3>
        <Said text={path} name="strict" />{' '}
        <span class="counts">
          <span class="plus">+{added}</span> {known ? <span class="minus">−{gone}</span> : null}
        </span>
      </h3>
      {known ? null : <p class="dim">The whole content that it will have. What is there now is not known here.</p>}
      <Lines lines={lines.slice(0, FIRST_LINES)} />
      {rest.length === 0 ? null : (
        <details class="rest">
          <summary>{lines.length - FIRST_LINES} more lines</summary>
          <Lines lines={rest} />
          {lines.length > MOST_LINES ? <p class="dim">{lines.length - MOST_LINES} lines are not shown here.</p> : null}
        </details>
      )}
    </section>
  )
}

const SIGNS = { '+': 'plus', '-': 'minus', ' ': 'same' } as const

function Lines({ lines }: { readonly lines: readonly ChangedLine[] }) {
  return (
    <pre class="diff" tabindex={0}>
      {lines.map(({ mark, text }) => (
        <span class={SIGNS[mark]}>
          <span class="sign">{mark}</span>
          {text === '' ? '' : <Said text={text} lines first={500} />}
          {'\n'}
        </span>
      ))}
    </pre>
  )
}
