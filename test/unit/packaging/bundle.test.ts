// The bundle runs in a folder where nothing else is: no node_modules, no sources, no environment.
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bundle, bundle, readManifest, root } from '../../../packaging/bundle.ts'

const run = promisify(execFile)

let folder: string
let made: Bundle

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-bundle-'))
  mkdirSync(join(folder, 'elsewhere'))
  made = await bundle({ folder: join(folder, 'bundle') })
})
afterAll(() => rmSync(folder, { recursive: true }))

const mesh = (...words: readonly string[]): Promise<{ stdout: string; stderr: string }> =>
  run(process.execPath, [join(made.folder, 'main.js'), ...words], { cwd: join(folder, 'elsewhere'), env: {} })

test('the bundle says the version of package.json', async () => {
  const { stdout, stderr } = await mesh('version')
  expect(stdout).toContain(readManifest().version)
  expect(stderr).toBe('')
})

test('the bundle explains itself, down to each command, whose chunk it must load for that', async () => {
  const { stdout } = await mesh('--help')
  // In two columns.
  const commands = ['agent', 'server', 'proxy', 'validate', 'services', 'intention', 'enroll', 'token']
  for (const command of commands) {
    expect(stdout).toMatch(new RegExp(`^ {2}(?:\\S.* )?${command} {2,}`, 'm'))
    expect((await mesh(command, '--help')).stdout).toContain(`mesh ${command}`)
  }
})

test('the shipped configuration is valid, as it is and with every example in it taken up', async () => {
  const shipped = join(root, 'packaging/deb/mesh-agent.hcl')
  // This machine may have no address of its own that other hosts could use.
  const address = join(folder, 'address.hcl')
  writeFileSync(address, 'advertise_addr = "10.0.0.2"\n')
  await expect(mesh('validate', shipped, address)).resolves.toBeDefined()
  const text = readFileSync(shipped, 'utf8')
  const everything = join(folder, 'everything.hcl')
  writeFileSync(everything, text.replace(/^\/\/ /gm, ''))
  expect(readFileSync(everything, 'utf8')).toMatch(/^server = true$/m)
  await expect(mesh('validate', everything)).resolves.toBeDefined()
  writeFileSync(everything, text.replace(/^\/\/ (server )/gm, 'sever '))
  await expect(mesh('validate', everything)).rejects.toThrow()
})

test('no file of the bundle imports anything but its own chunks and what Node brings', () => {
  const foreign = readdirSync(made.folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.js'))
    .flatMap((path) => {
      const text = readFileSync(join(made.folder, path), 'utf8')
      const imports = text.matchAll(/^(?:import|export)[^'"\n]*\bfrom\s*["']([^"']+)["'];?$/gm)
      return [...imports].map(([, target = '']) => target)
    })
    .filter((target) => !/^\.{1,2}\//.test(target))
    .filter((target) => !builtinModules.includes(target.replace(/^node:/, '')))
  expect(foreign).toEqual([])
})

test('the packages that the copyright file must name are those that the programs import', () => {
  expect(made.packages).toContain('node_modules/commander')
  expect(made.packages).toContain('node_modules/@grpc/grpc-js')
  expect(made.packages.filter((name) => /vitest|esbuild|fast-check|typescript/.test(name))).toEqual([])
})
