/**
 * Makes what is generated from src/rpc/mesh.proto: its JSON form, which the program loads without a parser, and the
 * TypeScript types of its messages. Both are checked in; a test runs this into another folder and compares.
 * Usage: `node packaging/generate-rpc.ts [FOLDER]`, where FOLDER is src/rpc when not given.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import protobuf from 'protobufjs'

const root = join(import.meta.dirname, '..')
const folder = join(root, 'src/rpc')
const target = resolve(process.argv[2] ?? folder)

mkdirSync(target, { recursive: true })
const description = protobuf.loadSync(join(folder, 'mesh.proto')).toJSON({ keepComments: false })
writeFileSync(join(target, 'mesh.json'), `${JSON.stringify(description, null, 1)}\n`)

// The same options as the loader's in src/rpc/protocol.ts, or types and values would differ.
execFileSync(
  process.execPath,
  [
    join(root, 'node_modules/@grpc/proto-loader/build/bin/proto-loader-gen-types.js'),
    '--longs=Number',
    '--enums=String',
    '--defaults',
    '--arrays',
    '--objects',
    '--oneofs',
    '--importFileExtension=.ts',
    '--grpcLib=@grpc/grpc-js',
    `--outDir=${join(target, 'generated')}`,
    'mesh.proto',
  ],
  { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] },
)
