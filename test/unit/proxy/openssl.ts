// The real openssl as a peer of the data plane: either side of a TLS connection, its certificate from the test's authority.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { IssuedLeaf } from './authority.ts'
import { until } from './lab.ts'

export interface OpensslPeer {
  /** What came over the connection, and what openssl says of itself. */
  output(): string
  /** Sends one line. */
  say(line: string): void
  /** Settles when the process has ended, with its output. */
  readonly ended: Promise<string>
  stop(): Promise<void>
}

let files = 0

/** Paths of a file with certificate and key. */
export function leafFile(folder: string, leaf: Pick<IssuedLeaf, 'certificatePem' | 'privateKeyPem'>): string {
  files += 1
  const path = join(folder, `openssl-${files}.pem`)
  writeFileSync(path, leaf.certificatePem + leaf.privateKeyPem)
  return path
}

/** `openssl s_client` to a port of this host. */
export function opensslClient(port: number, args: readonly string[], address = '127.0.0.1'): OpensslPeer {
  return run(['s_client', '-connect', `${address}:${port}`, '-quiet', ...args])
}

/** `openssl s_server` that answers each line with its letters in reverse; ready when this settles. */
export async function opensslServer(port: number, args: readonly string[]): Promise<OpensslPeer> {
  const peer = run(['s_server', '-accept', `127.0.0.1:${port}`, '-rev', '-tls1_3', ...args])
  await until('openssl to listen', () => peer.output().includes('ACCEPT'))
  return peer
}

function run(args: readonly string[]): OpensslPeer {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn('openssl', [...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes: Buffer) => {
      output += bytes.toString()
    })
  // It may end while we write.
  child.stdin.on('error', () => {})
  const ended = new Promise<string>((resolve) => {
    child.on('close', () => resolve(output))
  })
  return {
    output: () => output,
    say: (line) => child.stdin.write(`${line}\n`),
    ended,
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
