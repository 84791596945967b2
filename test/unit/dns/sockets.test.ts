// The DNS server on real sockets: UDP and TCP on one port, clients that behave and clients that do not.
import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type RunningDns, serveDns } from '../../../src/agent/dns/serve.ts'
import { limits } from '../../../src/model/limits.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { askTcp, askUdp, framed } from './client.ts'
import { DnsWorld, question, said } from './world.ts'

const running: RunningDns[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((dns) => dns.close()))
})

async function serve(world: DnsWorld): Promise<number> {
  const dns = await serveDns(world.options, world.dns)
  if (!dns.ok) throw new Error(dns.failure.message)
  running.push(dns.value)
  return dns.value.ports[0] ?? 0
}

function webWorld(): DnsWorld {
  const world = new DnsWorld({ clock: systemClock })
  for (let n = 1; n <= 50; n++) world.put({ node: `n${n}`, nodeAddress: `10.0.0.${n}`, name: 'web' })
  return world
}

test('both transports answer on one port', async () => {
  const port = await serve(webWorld())
  const udp = await askUdp(port, question('web.service.mesh', 'SRV', { edns: 1_232 }))
  expect(udp.answers?.length).toBeGreaterThan(5)
  const [tcp] = await askTcp(port, [question('web.service.mesh', 'SRV')])
  expect(tcp?.answers).toHaveLength(50)
})

test('many questions on one connection, in pieces of any size, are all answered', async () => {
  const port = await serve(webWorld())
  const names = Array.from({ length: 300 }, (_, n) =>
    n % 3 === 0 ? 'web.service.mesh' : `n${(n % 50) + 1}.node.mesh`,
  )
  const questions = names.map((name, id) => {
    const bytes = question(name)
    bytes.writeUInt16BE(id, 0)
    return bytes
  })
  const answers = await askTcp(port, questions, 7)
  const byId = new Map(answers.map((answer) => [answer.id, answer]))
  for (const [id, name] of names.entries())
    expect(said(byId.get(id)?.answers)[0]).toContain(`A ${name} 10.0.0.`)
})

test('a client that sends something else over TCP is let go, and others are served', async () => {
  const port = await serve(webWorld())
  for (const bytes of [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'.repeat(2_000)),
    framed(Buffer.alloc(3)),
    Buffer.alloc(70_000, 0xff),
  ]) {
    await new Promise<void>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port }, () => socket.write(bytes))
      socket.on('error', () => resolve())
      socket.on('close', () => resolve())
      socket.on('data', () => socket.end())
      // The third one is a message that never ends: it is the client who gives up.
      if (bytes[0] === 0xff) socket.end()
    })
  }
  const [answer] = await askTcp(port, [question('web.service.mesh')])
  expect(answer?.answers).toHaveLength(50)
})

test('a connection over which nothing is said is closed in time', async () => {
  const world = new DnsWorld()
  const port = await serve(world)
  const socket = connect({ host: '127.0.0.1', port })
  const ended = new Promise<true>((resolve) => socket.on('close', () => resolve(true)))
  socket.on('data', () => world.clock.run(limits.dnsIdleMs + limits.dnsLookupMs))
  socket.write(framed(question('nope.example.com')))
  expect(await ended).toBe(true)
})

test('noise over UDP gets no answer and harms nobody', async () => {
  const port = await serve(webWorld())
  await expect(askUdp(port, Buffer.from('hello'), 100)).rejects.toThrow('no answer')
  expect((await askUdp(port, question('web.service.mesh'))).answers).toHaveLength(3)
})

test('an address that is taken is named in the error, and nothing stays open', async () => {
  const port = await serve(webWorld())
  const second = webWorld()
  const failed = await serveDns({ ...second.options, port }, second.dns)
  expect(failed.ok ? '' : failed.failure.message).toMatch(
    new RegExp(`DNS cannot listen on 127.0.0.1, UDP port ${port}: .*EADDRINUSE`),
  )
})

test('port -1 switches DNS off', async () => {
  const world = webWorld()
  const dns = await serveDns({ ...world.options, port: -1 }, world.dns)
  expect(dns.ok && dns.value.ports).toEqual([])
})
