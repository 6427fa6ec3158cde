import { type Checkpoint, readCheckpoint } from '../ledger/notes/checkpoint.ts'
import { parseNote } from '../ledger/notes/note.ts'

/** What a note says, whoever signed it; null where it is no checkpoint. */
export function checkpointIn(note: string): Checkpoint | null {
  const parsed = parseNote(note)
  return typeof parsed === 'string' ? null : readCheckpoint(parsed.text)
}
