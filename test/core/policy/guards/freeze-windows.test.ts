import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ActionEnvelope } from '../../../../src/core/envelope.ts'
import { dayAt, instantsOf, zoneOf } from '../../../../src/core/policy/guards/zoned-time.ts'
import { action, ask, github, push, readText, shell, uncatalogued, verdict } from './ask.ts'

const at = (envelope: ActionEnvelope, instant: string): ActionEnvelope => ({
  ...envelope,
  receivedAt: Date.parse(instant),
})
const window = (text: string) => `freeze_windows: [ { timezone: Europe/Berlin, ${text} } ]`
const frozen = (text: string, instant: string) => verdict(window(text), at(push('feat/x'), instant)) === 'block'

describe('a freeze window', () => {
  const friday = 'days: [fri], from: "16:00", to: "24:00"'
  it.each([
    ['a minute before it begins', '2026-11-20T14:59:00Z', false],
    ['when it begins', '2026-11-20T15:00:00Z', true],
    ['in its last second', '2026-11-20T22:59:59Z', true],
    ['when it ends', '2026-11-20T23:00:00Z', false],
    ['on another day', '2026-11-19T15:00:00Z', false],
  ])('holds by the clocks of its zone: %s', (_, instant, expected) => {
    expect(frozen(friday, instant)).toBe(expected)
  })

  const night = 'days: [fri], from: "22:00", to: "06:00"'
  it.each([
    ['Friday night', '2026-11-20T21:30:00Z', true],
    ['the Saturday morning that belongs to it', '2026-11-21T04:59:00Z', true],
    ['after it', '2026-11-21T05:00:00Z', false],
    ['Friday morning, which belongs to Thursday', '2026-11-20T04:00:00Z', false],
    ['Saturday night', '2026-11-21T21:30:00Z', false],
  ])('that goes overnight belongs to the day it begins on: %s', (_, instant, expected) => {
    expect(frozen(night, instant)).toBe(expected)
  })

  it.each([
    ['whole days where no times are given', 'days: [sat, sun]', '2026-11-22T22:59:00Z', true],
    ['whole days where no times are given', 'days: [sat, sun]', '2026-11-22T23:00:00Z', false],
    ['days as a range', 'days: [mon-wed]', '2026-11-18T12:00:00Z', true],
    ['days as a range around the weekend', 'days: sat-mon', '2026-11-18T12:00:00Z', false],
    ['a single date', 'dates: 2026-12-24', '2026-12-23T23:00:00Z', true],
    ['a single date', 'dates: 2026-12-24', '2026-12-24T23:00:00Z', false],
    ['dates from and to, both included', 'dates: ["2026-12-20..2027-01-03"]', '2027-01-03T22:59:00Z', true],
    ['dates from and to, both included', 'dates: ["2026-12-20..2027-01-03"]', '2027-01-03T23:00:00Z', false],
    ['a night of the last date', 'dates: 2026-12-24, from: "22:00", to: "06:00"', '2026-12-25T04:00:00Z', true],
    ['dates and days together', 'dates: ["2026-12-20..2027-01-03"], days: [mon]', '2026-12-22T12:00:00Z', false],
    ['always, where nothing is given', 'name: stop', '2026-11-18T12:00:00Z', true],
  ])('knows %s (%s at %s)', (_, text, instant, expected) => {
    expect(frozen(text, instant)).toBe(expected)
  })

  // Berlin: 2026-03-29 02:00 becomes 03:00 at 01:00Z; 2026-10-25 03:00 becomes 02:00 at 01:00Z.
  it.each([
    ['begins in the hour that is left out', 'from: "02:30", to: "06:00"', '2026-03-29T00:59:59Z', false],
    ['begins in the hour that is left out', 'from: "02:30", to: "06:00"', '2026-03-29T01:00:00Z', true],
    ['ends in the hour that is left out', 'from: "01:00", to: "02:30"', '2026-03-29T00:59:59Z', true],
    ['ends in the hour that is left out', 'from: "01:00", to: "02:30"', '2026-03-29T01:00:00Z', false],
    ['lies in the hour that is left out', 'from: "02:15", to: "02:45"', '2026-03-29T01:15:00Z', false],
    ['goes over the change to summer time', 'from: "22:00", to: "06:00"', '2026-03-29T03:59:59Z', true],
    ['goes over the change to summer time', 'from: "22:00", to: "06:00"', '2026-03-29T04:00:00Z', false],
    ['begins in the hour that comes twice', 'from: "02:30", to: "06:00"', '2026-10-25T00:29:59Z', false],
    ['begins in the hour that comes twice', 'from: "02:30", to: "06:00"', '2026-10-25T00:30:00Z', true],
    [
      'begins in the hour that comes twice, and does not stop between',
      'from: "02:30", to: "06:00"',
      '2026-10-25T01:10:00Z',
      true,
    ],
    ['ends in the hour that comes twice: the second time', 'from: "01:00", to: "02:30"', '2026-10-25T01:29:59Z', true],
    ['ends in the hour that comes twice: the second time', 'from: "01:00", to: "02:30"', '2026-10-25T01:30:00Z', false],
    ['lies in the hour that comes twice: both times', 'from: "02:15", to: "02:45"', '2026-10-25T00:20:00Z', true],
    ['lies in the hour that comes twice: both times', 'from: "02:15", to: "02:45"', '2026-10-25T01:20:00Z', true],
    ['goes over the change to winter time', 'from: "22:00", to: "06:00"', '2026-10-25T04:59:59Z', true],
    ['goes over the change to winter time', 'from: "22:00", to: "06:00"', '2026-10-25T05:00:00Z', false],
  ])('that %s (%s at %s)', (_, text, instant, expected) => {
    expect(frozen(text, instant)).toBe(expected)
  })

  it('stands where the day itself begins with a change of clocks', () => {
    // Beirut puts clocks forward at midnight: 2026-03-29 begins at 01:00.
    const text = 'freeze_windows: [ { timezone: Asia/Beirut, dates: 2026-03-29 } ]'
    expect(verdict(text, at(push('x'), '2026-03-28T21:59:59Z'))).toBe('-')
    expect(verdict(text, at(push('x'), '2026-03-28T22:00:00Z'))).toBe('block')
    // Apia left out 2011-12-30 altogether.
    const samoa = zoneOf('Pacific/Apia')
    const noon = Date.parse('2011-12-30T12:00:00Z')
    expect(samoa === null ? null : instantsOf(samoa, noon)).toEqual({
      first: Date.parse('2011-12-30T10:00:00Z'),
      last: Date.parse('2011-12-30T10:00:00Z'),
    })
  })

  it.each<[string, string, ActionEnvelope, string]>([
    ['reads', '', github('get_file_contents', { path: 'a' }), '-'],
    ['merges', '', github('merge_pull_request', { pullNumber: 7 }), 'block'],
    ['merges by command', '', shell('gh pr merge 7'), 'block'],
    [
      'merges later',
      'capabilities: [merge]',
      github('update_pull_request', { pullNumber: 7, auto_merge: true }),
      'block',
    ],
    ['other agents', '', github('assign_copilot_to_issue', { issue_number: 1 }), 'block'],
    ['gists', '', github('create_gist', { files: {} }), 'block'],
    ['pushes by git', '', shell('git push origin x'), 'block'],
    ['commits', '', shell('git commit -m x'), '-'],
    ['files here', '', action('file', 'file.write', 'a.ts'), '-'],
    ['programs here', '', shell('pytest'), '-'],
    ['statements', '', action('sql', 'sql.query', 'DELETE FROM t WHERE id = 1'), 'block'],
    ['tools of no catalog', '', uncatalogued('post'), 'block'],
    ['its repositories', 'repos: ["ACME/*"]', push('x'), 'block'],
    ['other repositories', 'repos: ["other/*"]', push('x'), '-'],
    ['a repository that is not known', 'repos: ["other/*"]', shell('git push origin x'), 'block'],
    ['a tool that has none', 'repos: ["other/*"]', uncatalogued('post'), '-'],
    ['merges alone', 'capabilities: [merge]', push('x'), '-'],
    ['merges alone', 'capabilities: [merge]', github('merge_pull_request', { pullNumber: 7 }), 'block'],
  ])('and %s ({ %s })', (_, text, envelope, expected) => {
    expect(verdict(window(text === '' ? 'name: stop' : text), envelope)).toBe(expected)
  })

  it('tells which and until when, and whether an approval breaks it', () => {
    const text = `${friday}, name: weekend`
    const [told] = ask(window(text), at(push('x'), '2026-11-20T15:00:00Z'))
    expect(told).toEqual({
      verdict: 'block',
      reason: 'acme/app is frozen by the freeze window "weekend" until 2026-11-21 00:00 (Europe/Berlin)',
      suggestion: 'Try again when the window is over.',
    })
    const [glass] = ask(window(`${text}, decision: review`), at(push('x'), '2026-11-20T15:00:00Z'))
    expect(glass?.verdict).toBe('review')
    expect(glass?.reason).toMatch(/; only an approval breaks it$/)
  })

  it('is found once for each that is open', () => {
    const two = 'freeze_windows: [ { timezone: UTC, name: a }, { timezone: UTC, name: b, decision: review } ]'
    expect(ask(two, push('x')).map((one) => one.verdict)).toEqual(['block', 'review'])
  })

  it('may stand alone, without a list', () => {
    expect(verdict('freeze_windows: { timezone: UTC }', push('x'))).toBe('block')
  })

  it.each([
    ['freeze_windows: [ { days: [fri] } ]', '1:29 the window has no `timezone`'],
    [
      'freeze_windows: [ { timezone: Europe/Berln } ]',
      'unknown time zone `Europe/Berln`, did you mean `Europe/Berlin`?',
    ],
    ['freeze_windows: [ { timezone: "+02:00" } ]', 'unknown time zone `+02:00`'],
    ['freeze_windows: [ { timezone: UTC, days: [freitag] } ]', 'unknown day `freitag`'],
    ['freeze_windows: [ { timezone: UTC, from: "4pm" } ]', '`from` is a time from 00:00 to 24:00; `4pm` is none'],
    ['freeze_windows: [ { timezone: UTC, to: "24:30" } ]', '`to` is a time from 00:00 to 24:00'],
    ['freeze_windows: [ { timezone: UTC, from: "24:00" } ]', '`from: 24:00` is the next day'],
    ['freeze_windows: [ { timezone: UTC, from: "09:00", to: "09:00" } ]', 'the window ends when it begins'],
    ['freeze_windows: [ { timezone: UTC, dates: 2026-02-30 } ]', '`2026-02-30` is no date or range of dates'],
    ['freeze_windows: [ { timezone: UTC, dates: "2027-01-01..2026-01-01" } ]', 'is no date or range of dates'],
    ['freeze_windows: [ { timezone: UTC, repos: ["a["] } ]', 'malformed glob'],
    ['freeze_windows: [ { timezone: UTC, capabilities: [wite] } ]', 'unknown capability `wite`, did you mean `write`?'],
    ['freeze_windows: [ { timezone: UTC, timezon: UTC } ]', 'unknown key `timezon` in a freeze window'],
    ['freeze_windows: []', '`freeze_windows` is a list of windows'],
    ['freeze_windows: block', '`freeze_windows` is a list of windows'],
    ['freeze_windows: [ friday ]', 'a freeze window is a mapping'],
  ])('is refused: %s', (text, problem) => {
    expect(readText(text).problems.join()).toContain(problem)
    expect(readText(text).guards).toEqual([])
  })
})

describe('wall time', () => {
  const zones = [
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
    'America/St_Johns',
    'UTC',
  ]
  it('comes back to the instant it was read at', () => {
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.integer({ min: 0, max: 4e9 }), (name, second) => {
        const zone = zoneOf(name)
        if (zone === null) return false
        const instant = second * 1000
        const { first, last } = instantsOf(zone, instant + zone.offsetAt(instant))
        return (first === instant || last === instant) && first <= last && dayAt(zone, first) === dayAt(zone, last)
      }),
      { numRuns: 300 },
    )
  })
})
