import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { githubChecksum, hasGithubChecksum } from '../../../src/core/secrets/github-checksum.ts'
import { compileMarkers } from '../../../src/core/secrets/marker-search.ts'
import { PATTERNS } from '../../../src/core/secrets/patterns.ts'
import { scan } from '../../../src/core/secrets/scan.ts'
import { APP_JWT, AWS_ID, AWS_SECRET, CLASSIC, FINE_GRAINED, GENERIC, github, OLD_CHECKSUM, pem } from './samples.ts'

const told = (text: string) => scan(text).map(({ type, confidence }) => `${type} ${confidence}`)
const hex = (text: string) => Buffer.from(text).toString('hex')
const base64 = (text: string) => Buffer.from(text).toString('base64')
const spelt = (text: string, write: (code: string) => string) =>
  [...text].map((character) => write(hex(character))).join('')

describe('scan', () => {
  it.each([
    ['a classic personal access token', CLASSIC, 'github-classic-pat proven'],
    ['an OAuth token', github('o'), 'github-oauth proven'],
    ['a user token of an App', github('u'), 'github-app-user-token proven'],
    ['an installation token', github('s'), 'github-app-token proven'],
    ['an installation token of the new form', APP_JWT, 'github-app-token proven'],
    ['a refresh token', github('r'), 'github-refresh proven'],
    ['a fine-grained token', FINE_GRAINED, 'github-fine-grained-pat shape'],
    ['a token whose checksum does not hold', OLD_CHECKSUM, 'github-classic-pat shape'],
    ['an AWS key id', AWS_ID, 'aws-access-key-id shape'],
    ['an AWS secret', `aws_secret_access_key = ${AWS_SECRET}`, 'aws-secret-access-key shape'],
    ['an AWS secret in JSON', `{"SecretAccessKey": "${AWS_SECRET}"}`, 'aws-secret-access-key shape'],
    ['an RSA key', pem('RSA '), 'private-key proven'],
    ['an OpenSSH key', pem('OPENSSH '), 'private-key proven'],
    ['an encrypted key', pem('ENCRYPTED '), 'private-key proven'],
    ['a key without kind', pem(''), 'private-key proven'],
    ['a key in one line of JSON', `{"private_key": "${pem('', '\\n')}"}`, 'private-key proven'],
    ['a key whose end is missing', pem('').split('-----END')[0] ?? '', 'private-key shape'],
    ['a password of some randomness', `DB_PASSWORD="${GENERIC}"`, 'generic-assignment generic'],
    ['a token in YAML', `api-key: ${GENERIC}`, 'generic-assignment generic'],
    ['a token in an object', `{ apiKey: '${GENERIC}' }`, 'generic-assignment generic'],
    ['a header', `Authorization: Bearer ${GENERIC}`, 'generic-assignment generic'],
  ])('finds %s', (_, text, expected) => {
    expect(told(`before ${text} after`)).toContain(expected)
    expect(told(text)).toContain(expected)
  })

  it.each([
    ['words about tokens', 'A token begins with ghp_ followed by 36 letters and digits; AKIA begins the id of a key.'],
    ['crosses', `ghp_${'x'.repeat(36)} AKIA${'X'.repeat(16)}`],
    [
      'a header without a key',
      'The file begins with -----BEGIN RSA PRIVATE KEY----- and ends with -----END RSA PRIVATE KEY-----.',
    ],
    ['a public key', pem('').replaceAll('PRIVATE', 'PUBLIC')],
    [
      'variables',
      ['token = process.env.TOKEN_2; password: $', '{{ secrets.PASSWORD_1 }}; api_key=$API_KEY_11'].join(''),
    ],
    ['calls', 'const token = getToken2(userId1); secret := vault.Read1("x")'],
    ['placeholders', 'password: your-password-1, api_key = "changeme12345", token: <token>, secret="example123abc"'],
    ['words', 'password: correct-horse-battery, token_type: authorization_code'],
    ['digests', `token_sha256: ${hex(CLASSIC).slice(0, 64)}, integrity: sha512-${base64(GENERIC)}`],
    ['a UUID', 'token: 7c9e6679-7425-40de-944b-e07fc1f90ae7'],
    ['a number', 'token_count: 123456789012345'],
    ['weights', 'weights_2, insights_of_36_characters_and_more_and_more'],
    ['an image', `data:image/png;base64,${base64('\x89PNG '.repeat(40))}`],
  ])('lets %s be', (_, text) => {
    expect(told(text)).toEqual([])
  })

  it('is less sure of AWS’s own example', () => {
    expect(told(['AKIA', 'IOSFODNN7EXAMPLE'].join(''))).toEqual(['aws-access-key-id generic'])
  })

  it.each([
    ['base64', base64(CLASSIC)],
    ['base64 after one byte', base64(`:${CLASSIC}`)],
    ['base64 after two bytes', base64(`a:${CLASSIC}`)],
    ['base64 in a path', `https://x.example/a/${base64(`k=${CLASSIC}`)}`],
    ['base64 for URLs', Buffer.from(`??>${CLASSIC}`).toString('base64url')],
    ['base64 in lines', base64(`token of the build: ${CLASSIC}, keep it`).replace(/(.{24})/g, '$1\n')],
    ['hex', hex(CLASSIC)],
    ['hex in capitals', hex(CLASSIC).toUpperCase()],
    ['percents', spelt(CLASSIC, (code) => `%${code}`)],
    ['percents here and there', CLASSIC.replace('_', '%5F')],
    ['escapes of a string', spelt(CLASSIC, (code) => `\\x${code}`)],
    ['escapes of JSON', spelt(CLASSIC, (code) => `\\u00${code}`)],
    ['escapes of JavaScript', spelt(CLASSIC, (code) => `\\u{${code}}`)],
    ['escapes with zeros before them', spelt(CLASSIC, (code) => `\\u{0000${code}}`)],
    ['octal escapes', CLASSIC.replace(/./g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`)],
    ['entities of HTML', spelt(CLASSIC, (code) => `&#x${code};`)],
    ['decimal entities', CLASSIC.replace(/./g, (c) => `&#${c.charCodeAt(0)};`)],
    ['a named entity', CLASSIC.replace('_', '&lowbar;')],
    ['percents of percents', spelt(CLASSIC, (code) => `%25${code}`)],
    ['percents in entities', spelt(CLASSIC, (code) => `&#37;${code}`)],
    ['escapes of escapes', spelt(CLASSIC, (code) => `\\u005cx${code}`)],
    ['UTF-16', CLASSIC.replace(/./g, (c) => `${c}\0`)],
    ['two strings', `"${CLASSIC.slice(0, 9)}" + "${CLASSIC.slice(9)}"`],
    ['two strings in two lines', `'${CLASSIC.slice(0, 2)}' +\n    '${CLASSIC.slice(2)}'`],
    ['two words of a shell', `gh''${CLASSIC.slice(2)}`],
    ['a line that goes on', `${CLASSIC.slice(0, 12)}\\\n${CLASSIC.slice(12)}`],
    ['two lines', `${CLASSIC.slice(0, 12)}\n  ${CLASSIC.slice(12)}`],
  ])('sees through %s', (_, text) => {
    expect(told(`x = ${text};`)).toContain('github-classic-pat proven')
  })

  it('says where it stands', () => {
    expect(scan(`ab ${CLASSIC} cd`)).toMatchObject([{ offset: 3, length: CLASSIC.length }])
    const split = `ab "${CLASSIC.slice(0, 9)}" + "${CLASSIC.slice(9)}" cd`
    expect(scan(split)).toMatchObject([{ offset: 4, length: CLASSIC.length + 5 }])
    expect(scan(`ab ${base64(CLASSIC)}`)).toMatchObject([{ offset: 3 }])
  })

  it('tells each place once, by the surest of its readings', () => {
    expect(told(`password = "${CLASSIC}"`)).toEqual(['github-classic-pat proven'])
    expect(told(`${CLASSIC}\n${github('o')}`)).toEqual(['github-classic-pat proven', 'github-oauth proven'])
  })

  it('finds a secret wherever it stands, in whatever text', () => {
    const around = fc.string({ unit: 'binary', maxLength: 60 })
    fc.assert(
      fc.property(around, around, fc.constantFrom(CLASSIC, AWS_ID, APP_JWT, FINE_GRAINED), (before, after, secret) => {
        const found = scan(`${before} ${secret} ${after}`)
        expect(found.some(({ offset }) => offset === before.length + 1)).toBe(true)
      }),
    )
  })

  it('keeps every hit inside the text', () => {
    const piece = fc.constantFrom(
      CLASSIC,
      base64(CLASSIC),
      hex(CLASSIC),
      pem('RSA '),
      '"',
      "'",
      '+',
      '\n',
      '%67',
      '\\',
      ' ',
      'token=',
      GENERIC,
      'é',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('')
        for (const { offset, length } of scan(text)) {
          expect(offset).toBeGreaterThanOrEqual(0)
          expect(offset + length).toBeLessThanOrEqual(text.length)
        }
      }),
    )
  })

  it.each([
    'ghp_',
    'ghs_eyJ',
    'token=',
    'Z2hwX',
    '6768705f',
    '"',
    '-----BEGIN RSA PRIVATE KEY-----',
    '%67',
    '%25',
    '&#37;',
    '&#0000000',
    '\\u{00000000',
    '\0',
    '\\\n',
    `token=${'a'.repeat(250)}`,
  ])('gets done with a megabyte of %j', (piece) => {
    const found = scan(piece.repeat(Math.floor(1e6 / piece.length)))
    expect(found.length).toBeLessThanOrEqual(600)
  })

  it('reports a text that keeps it busy as if it held one, for what stands behind was not looked at', () => {
    const noise = '-----BEGIN RSA PRIVATE KEY-----\n'.repeat(5000)
    expect(told(`${noise}${CLASSIC}`).at(-1)).toBe('unchecked shape')
    expect(told('pwd '.repeat(30_000))).toEqual(['unchecked generic'])
  })

  it.each([
    ['values under names', `api_key: ${GENERIC}\n`.repeat(500)],
    ['words of names', 'pwd '.repeat(30_000)],
    ['markers', 'ghp_ '.repeat(30_000)],
    ['what looks made up', `AKIA${'IOSFODNN7EXAMPLE'} `.repeat(300)],
  ])('finds one behind any number of %s', (_, noise) => {
    expect(told(`${noise}\n${CLASSIC}`)).toContain('github-classic-pat proven')
  })

  it('tells an old one from a new one that begins on its line', () => {
    const [first, ...others] = scan(`${CLASSIC}\nabc = 1\n`)
    expect([first?.length, others]).toEqual([CLASSIC.length, []])
  })
})

describe('the checksum of GitHub’s tokens', () => {
  it('is the CRC-32 in base 62', () => {
    // CRC-32("123456789") is 0xCBF43926 by the standard's own check value.
    expect(githubChecksum('123456789')).toBe(toBase62(0xcbf43926))
    expect(hasGithubChecksum(CLASSIC.slice(4))).toBe(true)
    expect(hasGithubChecksum(OLD_CHECKSUM.slice(4))).toBe(false)
    expect(hasGithubChecksum('')).toBe(false)
  })
})

function toBase62(value: number): string {
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  const digit = digits[value % 62] ?? ''
  return value < 62 ? digit : toBase62(Math.floor(value / 62)) + digit
}

describe('the search for markers', () => {
  it('finds what a search one by one finds, whatever the case', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'A', 'é'), minLength: 1, maxLength: 4 })
    const markers = fc.uniqueArray(
      letters.filter((text) => !text.includes('é')),
      { minLength: 1, maxLength: 5 },
    )
    fc.assert(
      fc.property(markers, fc.string({ unit: fc.constantFrom('a', 'b', 'A', 'B', 'é') }), (all, text) => {
        const found: string[] = []
        compileMarkers(all).each(text, ({ marker, offset }) => found.push(`${marker}@${offset}`) > 0)
        const expected = all.flatMap((marker, index) =>
          [...text].flatMap((_, at) =>
            text.toLowerCase().startsWith(marker.toLowerCase(), at) ? [`${index}@${at}`] : [],
          ),
        )
        expect(found.sort()).toEqual(expected.sort())
      }),
    )
  })

  it('is given markers that few texts hold', () => {
    for (const { markers } of PATTERNS) for (const marker of markers) expect(marker.length).toBeGreaterThanOrEqual(4)
  })
})
