/** A refusal as a client of either era meets it: an error before 2026-07-28, a result that says so since. */
export async function refusal(call: Promise<unknown>): Promise<{ code: number | null; message: string; data: object }> {
  try {
    const result = (await call) as { isError?: boolean; content: { text: string }[]; structuredContent: object }
    if (result.isError !== true) throw new Error(`not refused: ${JSON.stringify(result)}`)
    return { code: null, message: result.content[0]?.text ?? '', data: result.structuredContent }
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'number') throw error
    return { code: error.code, message: error.message, data: 'data' in error ? Object(error.data) : {} }
  }
}
