/**
 * Writes the package's copyright file: our own licence, those of every npm package whose bytes are in the bundle, and that
 * of Node.js, each with its full text. A package without a licence stops the build: it may not be shipped.
 * Form: Debian's machine-readable copyright format 1.0.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Party {
  readonly files: string
  readonly comment?: string
  readonly holders: readonly string[]
  readonly licence: string
  readonly text: string
}

/** `packages` are folders of npm packages; `nodeLicence` is the licence file that came with the Node.js binary. */
export function copyrightFile(packages: readonly string[], nodeLicence: string): string {
  const own: Party = {
    files: '*',
    holders: ['the mesh-agent authors'],
    licence: 'Apache-2.0',
    text: apachePointer,
  }
  const node: Party = {
    files: 'usr/lib/mesh-agent/node',
    holders: ['Node.js contributors', 'Joyent, Inc. and other Node contributors'],
    licence: 'Node.js',
    comment: 'MIT for Node.js itself; the text goes on with the licences of what is compiled into it.',
    text: readFileSync(nodeLicence, 'utf8'),
  }
  const parties = [own, ...packages.map(partyOf), node]
  return `${[heading, ...parties.map(paragraph)].join('\n\n')}\n`
}

const heading = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: mesh-agent
Comment: usr/lib/mesh-agent/main.js and chunks/ are bundled from the sources of mesh-agent and of the npm packages
 that are named below by their folders.`

/** Debian ships this text with every system and wants it referred to. */
const apachePointer = `Licensed under the Apache License, Version 2.0. On Debian systems the full text is in
/usr/share/common-licenses/Apache-2.0.`

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license?: string
  readonly author?: string | { readonly name: string }
}

function partyOf(folder: string): Party {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  const texts = readdirSync(folder).filter((name) => /^(licen[cs]e|copying|notice|copyright)/i.test(name))
  const author = typeof manifest.author === 'object' ? manifest.author.name : manifest.author
  const licence = manifest.license
  if (licence === undefined) throw new Error(`${folder} names no licence, so it cannot be shipped`)
  const text = texts
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8').trim())
    .filter((part) => !isApacheText(part))
  if (licence === 'Apache-2.0') text.unshift(apachePointer)
  if (text.length === 0 && licence === 'MIT') text.push(`Copyright (c) ${author}\n\n${mitText}`)
  if (text.length === 0) throw new Error(`${folder} has no licence text, so it cannot be shipped`)
  const named = [...new Set(text.join('\n').match(/^\s*copyright\s+(\(c\)|©|\d).*$/gim) ?? [])]
  return {
    files: `node_modules/${manifest.name}/*`,
    comment: `version ${manifest.version}`,
    holders: named.length > 0 ? named.map(holder) : [author ?? `the ${manifest.name} authors`],
    licence,
    text: text.join('\n\n'),
  }
}

const isApacheText = (text: string): boolean =>
  /Apache License\s+Version 2\.0/.test(text) && text.includes('TERMS AND CONDITIONS')

const holder = (line: string): string => line.trim().replace(/^copyright\s*(\(c\)|©)?\s*/i, '')

function paragraph(party: Party): string {
  return [
    `Files: ${party.files}`,
    `Copyright: ${party.holders.join('\n           ')}`,
    `License: ${party.licence}`,
    ...party.text.trim().split('\n').map(continued),
    ...(party.comment === undefined ? [] : [`Comment: ${party.comment}`]),
  ].join('\n')
}

/** A line of a long field starts with a space, an empty one is a dot. */
function continued(line: string): string {
  const text = line.replaceAll('\r', '').trimEnd()
  return text === '' ? ' .' : ` ${text}`
}

/** For packages that name the licence but ship no file with it. */
const mitText = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`
