// A HAProxy behind a public listener, which believes a PROXY header and answers with what it read there.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import type { DebianProgram } from '../../peers/debian.ts'

/** Serves on a port of 127.0.0.1; ready when this settles. */
export async function startHaproxy(
  program: DebianProgram,
  folder: string,
  port: number,
): Promise<{ stop(): Promise<void> }> {
  const path = join(folder, `haproxy-${port}.cfg`)
  writeFileSync(
    path,
    [
      'defaults',
      '  mode http',
      '  timeout client 10s',
      '  timeout server 10s',
      '  timeout connect 10s',
      'frontend told',
      `  bind 127.0.0.1:${port} accept-proxy`,
      '  http-request return status 200 content-type text/plain lf-string "src=%[src] dst=%[dst]:%[dst_port]"',
      '',
    ].join('\n'),
  )
  const child = spawn(program.path, ['-db', '-f', path], {
    env: { ...process.env, ...program.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaint = ''
  child.stderr.on('data', (bytes: Buffer) => {
    complaint += bytes.toString()
  })
  const ended = new Promise<void>((resolve) => {
    child.on('close', () => resolve())
  })
  const deadline = performance.now() + 10_000
  while (!(await accepts(port)))
    if (child.exitCode !== null || performance.now() > deadline)
      throw new Error(`haproxy does not listen: ${complaint}`)
  return {
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    const answer = (is: boolean): void => {
      socket.destroy()
      // Tried again after a moment.
      setTimeout(() => resolve(is), is ? 0 : 20)
    }
    socket.on('connect', () => answer(true))
    socket.on('error', () => answer(false))
  })
}
