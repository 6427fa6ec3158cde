/** How long a call that waits for a person is held open, in milliseconds. */
export interface HoldBudgets {
  readonly default: number
  /** By the name that a client gives itself, whatever the case: a claim, on which nothing but patience depends. */
  readonly clients: Readonly<Record<string, number>>
}

/** What clients without a setting of ours have been seen to wait at least, though they hear of no progress: the SDKs end at 60 s. */
const UNHEARD_MS = 50_000

/** Each a little below what the client waits by default. */
export const DEFAULT_HOLD: HoldBudgets = {
  default: UNHEARD_MS,
  clients: {
    // Five minutes without an answer or progress end a call over HTTP.
    'claude-code': 270_000,
    'codex-mcp-client': 110_000,
    'gemini-cli-mcp-client': 570_000,
    // Waits until its user stops it; what stands in between need not.
    'Visual Studio Code': 270_000,
  },
}

/** `progress`: whether the client asked to hear of progress. One that did not, and of which nothing is known, gives up early. */
export function holdBudget({ clients, ...rest }: HoldBudgets, name: string, progress: boolean): number {
  const known = Object.entries(clients).find(([client]) => client.toLowerCase() === name.toLowerCase())
  if (known !== undefined) return known[1]
  return progress ? rest.default : Math.min(rest.default, UNHEARD_MS)
}
