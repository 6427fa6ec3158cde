import { ROLES } from '../../../core/envelope.ts'
import { AegisError } from '../../../core/errors.ts'
import type { MadeKey, ShownKey } from '../../../oversight/keys.ts'
import { formOf } from '../../door.ts'
import { Pick, Text } from '../parts/fields.tsx'
import { Said } from '../parts/said.tsx'
import { When } from '../parts/when.tsx'
import type { Shown, View, Viewing } from '../viewing.ts'

/** Every key there ever was, the usable ones first. For administrators. */
export const keysView: View = (viewing) => shown(viewing, null)

/** Makes a key: its secret is on the answer and nowhere else. */
export const newKeyView: View = async (viewing) => {
  const { parts, visitor, context } = viewing
  const form = await formOf(context)
  const text = (name: string) => form.get(name)?.trim() || undefined
  const role = ROLES.find((known) => known === form.get('role'))
  if (role === undefined) throw new AegisError('invalid_request', 'a key has a role', { path: 'role' })
  const wish = { name: text('name') ?? '', role, owner: text('owner'), expires: text('expires') }
  return shown(viewing, await parts.oversight.keys.create(visitor.key, wish))
}

export const revokeKeyView: View = async ({ parts, visitor, context }) => {
  const form = await formOf(context)
  await parts.oversight.keys.revoke(visitor.key, form.get('id') ?? '')
  return context.redirect('/keys', 303)
}

async function shown(viewing: Viewing, made: MadeKey | null): Promise<Shown> {
  const { parts, visitor } = viewing
  const all = await parts.oversight.keys.list(visitor.key)
  const keys = [...all].sort((one, two) => rank(one) - rank(two) || two.record.createdAt - one.record.createdAt)
  return {
    ...{ title: 'Keys', place: 'keys' },
    notice: made === null ? undefined : <Secret made={made} />,
    body: (
      <>
        <h1>Keys</h1>
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Role</th>
              <th scope="col">Owner</th>
              <th scope="col">State</th>
              <th scope="col">Last used (UTC)</th>
              <th scope="col">
                <span class="unseen">Acts</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {keys.map((key) => (
              <Row shown={key} csrf={visitor.csrf} />
            ))}
          </tbody>
        </table>
        <NewKey csrf={visitor.csrf} />
      </>
    ),
  }
}

function rank({ state }: ShownKey): number {
  return state === 'active' ? 0 : 1
}

function Row({ shown, csrf }: { readonly shown: ShownKey; readonly csrf: string | null }) {
  const { record, state, repository } = shown
  return (
    <tr>
      <th scope="row">
        <Said text={record.name} name="strict" brief={80} />
        <br />
        <code class="dim">
          <Said text={record.id} brief={80} />
        </code>
      </th>
      <td>
        {record.role}
        {repository === null ? null : (
          <span class="dim">
            {' '}
            in <Said text={repository} brief={120} />
          </span>
        )}
      </td>
      <td>
        <Said text={record.owner === '' ? '–' : record.owner} brief={80} />
      </td>
      <td>
        <span class={`badge k-${state === 'active' ? 'allow' : 'block'}`}>{state}</span>
        {record.expiresAt === null ? null : (
          <span class="dim">
            {' '}
            until <When at={record.expiresAt} seconds={false} />
          </span>
        )}
      </td>
      <td class="time">
        {record.lastUsedAt === null ? (
          'never used'
        ) : (
          <>
            used <When at={record.lastUsedAt} seconds={false} />
          </>
        )}
      </td>
      <td>
        {state !== 'active' ? null : (
          <details>
            <summary>Revoke…</summary>
            <form method="post" action="/keys/revoke">
              {csrf === null ? null : <input type="hidden" name="csrf" value={csrf} />}
              <input type="hidden" name="id" value={record.id} />
              <button type="submit" class="deny">
                Revoke it now
              </button>
            </form>
          </details>
        )}
      </td>
    </tr>
  )
}

function NewKey({ csrf }: { readonly csrf: string | null }) {
  return (
    <section aria-labelledby="new">
      <h2 id="new">A new key</h2>
      <form method="post" action="/keys" class="filters">
        {csrf === null ? null : <input type="hidden" name="csrf" value={csrf} />}
        <Text name="name" label="Name" required />
        <Pick name="role" label="Role" value="agent" options={ROLES} />
        <Text name="owner" label="Owner, where not you" />
        <Text name="expires" label="Expires (90d, a date, or never)" hint="never" />
        <button type="submit">Make it</button>
      </form>
    </section>
  )
}

function Secret({ made }: { readonly made: MadeKey }) {
  return (
    <div class="callout k-approve">
      <p>
        The key <Said text={made.record.name} /> was made. Its secret is shown now and never again:
      </p>
      <pre tabindex={0}>{made.secret}</pre>
    </div>
  )
}
