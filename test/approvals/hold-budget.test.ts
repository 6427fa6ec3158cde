import { expect, it } from 'vitest'
import { DEFAULT_HOLD, holdBudget } from '../../src/approvals/hold-budget.ts'

const patient = { default: 300_000, clients: { Mine: 20_000 } }

it.each([
  ['a client that nobody knows', DEFAULT_HOLD, 'some-agent', true, 50_000],
  ['Claude Code', DEFAULT_HOLD, 'claude-code', false, 270_000],
  ['Codex', DEFAULT_HOLD, 'codex-mcp-client', false, 110_000],
  ['a client that calls itself after a member of every object', DEFAULT_HOLD, 'constructor', true, 50_000],
  ['a client without a name', DEFAULT_HOLD, '', true, 50_000],
  ['a client with a setting, whatever the case of its name', patient, 'mINE', false, 20_000],
  ['an unknown client that hears of progress, where the default is long', patient, 'x', true, 300_000],
  ['an unknown client that hears of none, for it gives up after a minute', patient, 'x', false, 50_000],
  [
    'an unknown client that hears of none, where the default is short',
    { default: 5000, clients: {} },
    'x',
    false,
    5000,
  ],
])('%s is held for as long as it waits', (_, budgets, name, progress, milliseconds) => {
  expect(holdBudget(budgets, name, progress)).toBe(milliseconds)
})
