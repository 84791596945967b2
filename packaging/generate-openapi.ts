/**
 * Writes docs/openapi.json, which the agent serves at /v1/mesh/openapi.json; a test compares it with what is made now.
 * Usage: `node packaging/generate-openapi.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openApiDocument } from './openapi/document.ts'

const root = join(import.meta.dirname, '..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly version: string
}
writeFileSync(join(root, 'docs/openapi.json'), `${JSON.stringify(openApiDocument(version), null, 1)}\n`)
