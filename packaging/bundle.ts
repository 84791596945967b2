/**
 * Makes one folder out of src/ and the packages it uses: `main.js`, `chunks/` and a `package.json` that says "ES module".
 * The folder runs anywhere with the pinned Node and nothing else installed. Knows nothing of .deb: deb/build.ts packs it.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build, type Metafile, type Plugin, transform } from 'esbuild'
import { versions } from '../src/model/versions.ts'
import { nextVersions, otherVersions } from './next-versions.ts'

export const root = resolve(import.meta.dirname, '..')

export interface Bundle {
  readonly folder: string
  readonly version: string
  /** Which forms and protocols it speaks. */
  readonly versions: typeof versions
  /** Folders below the root, such as `node_modules/zod`, of which some byte is in the bundle; sorted. */
  readonly packages: readonly string[]
}

export interface BundleOptions {
  /** Emptied first. Default: `dist/bundle`. */
  readonly folder?: string
  /** Default: `src/main.ts`. */
  readonly entry?: string
  /** Default: the version in package.json. */
  readonly version?: string
  /** Pretends to be the next release: see next-versions.ts. */
  readonly isNextRelease?: boolean
}

/** CommonJS packages ask for built-in modules with `require`, which an ES module does not have. */
const requireForCommonJs =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);"

/** Bundles; throws with esbuild's messages when the sources do not build. */
export async function bundle(options: BundleOptions = {}): Promise<Bundle> {
  const folder = options.folder ?? join(root, 'dist/bundle')
  const { name, version } = readManifest()
  const manifest = { name, version: options.version ?? version }
  const spoken = options.isNextRelease === true ? nextVersions(versions) : versions
  rmSync(folder, { recursive: true, force: true })
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { main: options.entry ?? 'src/main.ts' },
    outdir: folder,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    // A command loads only its own chunks.
    splitting: true,
    // Sources lie in each process's memory for as long as it runs; without white space an agent has 4 MB less. Names stay and
    // lines stay short, because the journal shows stack traces.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 160,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    banner: { js: requireForCommonJs },
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
    plugins: [
      ownManifest(manifest),
      withoutComments(),
      httpWithoutFetch(),
      ...(spoken === versions ? [] : [otherVersions(root, spoken)]),
    ],
    // fastify's, for schemas and for tests; agent/api/create.ts says that no route needs them.
    external: ['@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler', 'light-my-request'],
  })
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ ...manifest, type: 'module' })}\n`)
  return { folder, version: manifest.version, versions: spoken, packages: packagesIn(metafile) }
}

interface Manifest {
  readonly name: string
  readonly version: string
}

export function readManifest(): Manifest {
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
  return { name, version }
}

/** Source files import the version from the project's package.json; what else stands there is not the product's. */
function ownManifest(manifest: Manifest): Plugin {
  return {
    name: 'own-manifest',
    setup: (builder) => {
      builder.onLoad({ filter: /\/package\.json$/ }, ({ path }) =>
        path === join(root, 'package.json') ? { contents: JSON.stringify(manifest), loader: 'json' } : null,
      )
    },
  }
}

/**
 * Source text stays in memory as long as its program runs. Comments of packages are a part of it that nobody reads there,
 * and one dash in them that is not ASCII doubles what a whole chunk needs.
 */
function withoutComments(): Plugin {
  return {
    name: 'without-comments',
    setup: (builder) => {
      builder.onLoad({ filter: /\/node_modules\/.*\.[cm]?js$/ }, async ({ path }) => {
        const text = readFileSync(path, 'utf8')
        const { code } = await transform(text, { minifyWhitespace: true, legalComments: 'none' })
        return { contents: code, loader: 'js' }
      })
    },
  }
}

/**
 * An `import` of node:http reads all its exports at once, and some of them load Node's fetch, five megabytes in each program
 * that never fetches. `require` reads what is used.
 */
function httpWithoutFetch(): Plugin {
  return {
    name: 'http-without-fetch',
    setup: (builder) => {
      builder.onResolve({ filter: /^node:http$/ }, ({ kind }) =>
        kind === 'import-statement' ? { path: 'node:http', namespace: 'required' } : null,
      )
      builder.onLoad({ filter: /.*/, namespace: 'required' }, ({ path }) => ({
        contents: `module.exports = require(${JSON.stringify(path)})`,
        loader: 'js',
      }))
    },
  }
}

function packagesIn(metafile: Metafile): readonly string[] {
  const folders = new Set<string>()
  for (const output of Object.values(metafile.outputs))
    for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
      const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0]
      if (folder !== undefined && bytesInOutput > 0) folders.add(folder)
    }
  return [...folders].sort()
}

if (import.meta.main) {
  const made = await bundle()
  console.log(`${made.folder}: mesh-agent ${made.version} with ${made.packages.length} packages`)
}
