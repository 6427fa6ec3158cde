import { AegisError } from '../../../core/errors.ts'
import type { SessionSummary } from '../../../ledger/store.ts'
import type { VerifyReport } from '../../../ledger/verify/report.ts'
import { formOf } from '../../door.ts'
import { seen } from '../entry-view.ts'
import { EntryTable } from '../parts/entry-table.tsx'
import { Said } from '../parts/said.tsx'
import { VerifyState } from '../parts/verify-state.tsx'
import { When } from '../parts/when.tsx'
import { labelOf, sessionPath } from '../queue.ts'
import { asked, type Shown, type View, type Viewing } from '../viewing.ts'
import { DECIDED } from './activity.tsx'
import { Counts } from './sessions.tsx'

const ROWS = 100

/** One session: what happened in it, and whether its evidence holds. */
export const sessionView: View = async (viewing) => shown(viewing, asked(viewing, 'id'), null)

/** The same with what a verification said now. */
export const verifyView: View = async (viewing) => {
  const { parts, visitor, context } = viewing
  const id = (await formOf(context)).get('id') ?? ''
  return shown(viewing, id, await parts.oversight.evidence.verify(visitor.key, id))
}

async function shown(viewing: Viewing, text: string, report: VerifyReport | null): Promise<Shown> {
  const { parts, visitor, context } = viewing
  const { evidence, contents, audit } = parts.oversight
  if (text === '')
    throw new AegisError('not_found', 'no session was named', { advice: 'choose one from the list of sessions' })
  const session = await evidence.session(visitor.key, text)
  // Where somebody took away its head row: that is what verifying it tells.
  const summary = await evidence.summary(visitor.key, session).catch(() => null)
  const after = context.req.method === 'GET' ? asked(viewing, 'after') || null : null
  const page = await audit.page(visitor.key, { session }, { first: ROWS, after })
  const entries = await contents.open(visitor.key, page.entries, DECIDED)
  return {
    ...{ title: `Session ${labelOf(session)}`, place: 'sessions', live: report === null && after === null },
    body: (
      <>
        <h1>
          Session <Said text={labelOf(session)} name="strict" brief={128} />
        </h1>
        <div id="summary" data-region="summary">
          <Summary session={session} summary={summary} />
        </div>
        <Evidence viewing={viewing} session={session} report={report} />
        <h2>Entries, the newest first</h2>
        <div id="list" data-region="list">
          <EntryTable entries={entries.map(seen)} session={false} />
        </div>
        {page.next === null ? null : (
          <nav class="pages" aria-label="Pages">
            <a href={`${sessionPath(session)}&after=${encodeURIComponent(page.next)}`} rel="next">
              Older
            </a>
          </nav>
        )}
      </>
    ),
  }
}

function Summary({ session, summary }: { readonly session: string; readonly summary: SessionSummary | null }) {
  return (
    <dl class="facts">
      <div>
        <dt>Session</dt>
        <dd>
          <code>
            <Said text={session} />
          </code>
        </dd>
      </div>
      {summary === null ? null : (
        <>
          <div>
            <dt>Entries</dt>
            <dd class="line">
              {summary.entries}: <Counts counts={summary.counts} />
            </dd>
          </div>
          <div>
            <dt>Time</dt>
            <dd>
              <When at={summary.first} /> to <When at={summary.last} />, {summary.status}
            </dd>
          </div>
        </>
      )}
    </dl>
  )
}

function Evidence(props: {
  readonly viewing: Viewing
  readonly session: string
  readonly report: VerifyReport | null
}) {
  const { viewing, session, report } = props
  const { csrf } = viewing.visitor
  const path = `/admin/v1/evidence/sessions/${session.split('/').map(encodeURIComponent).join('/')}`
  return (
    <section aria-labelledby="evidence">
      <h2 id="evidence">Evidence</h2>
      {report === null ? null : <VerifyState report={report} />}
      <form method="post" action="/session/verify" class="line">
        {csrf === null ? null : <input type="hidden" name="csrf" value={csrf} />}
        <input type="hidden" name="id" value={session} />
        <button type="submit">{report === null ? 'Verify' : 'Verify again'}</button>
        <a class="button" href={`${path}/export`} download={`${fileName(session)}.evidence.json`}>
          Bundle for an auditor
        </a>
        <a class="button" href={`${path}/report.html`} download={`${fileName(session)}.report.html`}>
          Report for people
        </a>
        <a class="button" href={`${path}/statement`} download={`${fileName(session)}.statement.json`}>
          Signed statement
        </a>
      </form>
      <p class="dim">
        Whoever gets the bundle checks it without us: <code>aegisctl evidence verify --bundle FILE</code>
      </p>
    </section>
  )
}

function fileName(session: string): string {
  return labelOf(session).replace(/[^A-Za-z0-9._-]/g, '-')
}
