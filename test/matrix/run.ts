import { complaint, type Group, judge, type Verifier } from './case.ts'

/** What the verifier answers otherwise than the table says, in words. `stopAt`: the first so many are enough. */
export async function failuresOf(
  group: Group,
  verifier: Verifier,
  stopAt = Number.POSITIVE_INFINITY,
): Promise<string[]> {
  const wrong: string[] = []
  for (const { name, evidence, expect } of group.cases) {
    const said = complaint(await judge(verifier, await evidence()), expect)
    if (said !== null) wrong.push(`${name}: ${said}`)
    if (wrong.length >= stopAt) break
  }
  return wrong
}

/** `T1 field mutation 480/480`: printed as the suite goes, so that a log shows what was run. */
export function closingLine({ name, cases }: Group, failed: number): void {
  process.stdout.write(`${name} ${cases.length - failed}/${cases.length}\n`)
}
