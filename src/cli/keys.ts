import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { adminEndpoint, ask } from './client.ts'
import { processContext } from './context.ts'
import { packagedFile } from './installation.ts'
import { isCopied, keyFilesOf, protectedFileOf, saveSecret } from './key-files.ts'
import { endOf, keyIdOf, tellSecret } from './key-output.ts'
import { type Column, jsonText, list, visible } from './output.ts'
import { formatOf, type ListOptions, rowsOf } from './rows.ts'

const KEYS = '/admin/v1/keys'

const COLUMNS: readonly Column<JsonObject>[] = [
  { title: 'KEY', value: (row) => textMember(row, 'id') ?? '' },
  { title: 'NAME', value: (row) => textMember(row, 'name') ?? '' },
  { title: 'ROLE', value: (row) => textMember(row, 'role') ?? '' },
  { title: 'OWNER', value: (row) => textMember(row, 'owner') ?? '' },
  { title: 'FOR', value: (row) => textMember(row, 'sponsor') ?? '' },
  { title: 'ROOM', value: roomText },
  { title: 'BEGINS WITH', value: (row) => textMember(row, 'prefix') ?? '' },
  { title: 'LAST USED', value: (row) => textMember(row, 'last_used_at') ?? 'never' },
  { title: 'ENDS', value: endOf },
]

export async function listKeys(options: ListOptions): Promise<void> {
  const context = processContext()
  const format = formatOf(options)
  context.out(list(await keysOf(), COLUMNS, format))
}

export async function createKey(options: {
  role: string
  name: string
  owner?: string
  sponsor?: string
  expires: string
  shareOwner?: boolean
  json?: boolean
}): Promise<void> {
  const context = processContext()
  const { name, owner, sponsor, expires, shareOwner } = options
  const body = {
    ...{ name, role: options.role.toLowerCase(), expires },
    ...(owner === undefined ? {} : { owner }),
    ...(sponsor === undefined ? {} : { sponsor }),
    ...(shareOwner === true ? { share_owner: true } : {}),
  }
  const answer = await ask(adminEndpoint(context), 'POST', KEYS, body)
  if (options.json === true || !isObject(answer)) return context.out(jsonText(answer))
  tellSecret(context, answer, keyText(answer))
}

export async function rotateKey(
  text: string,
  options: { overlap: string; expires?: string; json?: boolean },
): Promise<void> {
  const context = processContext()
  const { overlap, expires } = options
  const keys = await keysOf()
  const id = keyIdOf(keys, text, 'aegisctl keys list')
  const prefix = textMember(keys.find((key) => textMember(key, 'id') === id) ?? {}, 'prefix') ?? ''
  // Asked before: afterwards the old secret may be good for nothing.
  const files = await keyFilesOf(context, { id, prefix })
  const body = { overlap, ...(expires === undefined ? {} : { expires }) }
  const answer = await ask(adminEndpoint(context), 'POST', `${KEYS}/${encodeURIComponent(id)}/rotate`, body)
  if (options.json === true || !isObject(answer)) context.out(jsonText(answer))
  else {
    tellSecret(context, answer, keyText(answer))
    const { replaced } = answer
    if (isObject(replaced)) context.err(`the old one, ${visible(id)}: ${visible(endOf(replaced))}\n`)
  }
  const locked = protectedFileOf(context, { id })
  if (locked !== null) {
    context.err(`${visible(locked)} still holds the old one: aegisctl login --protect --key - takes the new one\n`)
  }
  const secret = isObject(answer) ? textMember(answer, 'secret') : undefined
  for (const file of secret === undefined ? [] : files) {
    saveSecret(file, secret ?? '')
    context.err(`${visible(file.path)} holds the new secret; start again what reads it only once\n`)
    if (isCopied(context, file)) {
      const installer = packagedFile('install.sh')
      context.err(
        `the user that agents run as still has the old one: sudo ${installer} --hand-on-key gives them this one\n`,
      )
    }
  }
}

export async function revokeKey(text: string, options: { json?: boolean }): Promise<void> {
  const context = processContext()
  const id = keyIdOf(await keysOf(), text, 'aegisctl keys list')
  const answer: Json = await ask(adminEndpoint(context), 'DELETE', `${KEYS}/${encodeURIComponent(id)}`)
  context.out(options.json === true ? jsonText(answer) : `revoked: ${visible(id)}\n`)
}

async function keysOf(): Promise<readonly JsonObject[]> {
  return rowsOf(await ask(adminEndpoint(processContext()), 'GET', KEYS))
}

function keyText(key: JsonObject): string {
  const [id, role, owner, sponsor] = ['id', 'role', 'owner', 'sponsor'].map((member) => textMember(key, member) ?? '')
  const acts = sponsor === owner ? '' : `, acts for ${sponsor}`
  const expires = textMember(key, 'expires_at')
  return `${id} (${role}, owner ${owner}${acts}${expires === undefined ? '' : `, expires ${expires}`})`
}

function roomText({ room }: JsonObject): string {
  if (!isObject(room)) return ''
  return `${textMember(room, 'repository') ?? textMember(room, 'id')} ${textMember(room, 'role')}`
}
