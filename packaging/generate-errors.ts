/** Writes docs/errors.md. Run it after a change of a catalogue: `node packaging/generate-errors.ts`; a test says when. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorsPage } from './errors-page.ts'

writeFileSync(join(import.meta.dirname, '../docs/errors.md'), errorsPage())
