/** Commands about the agent of this host: info, monitor, debug, maint, event. */
import type { Command } from 'commander'
import type { DebugOptions } from './debug.ts'
import { contextOf, declare, type SharedOptions, withConnection } from './declare.ts'
import type { EventOptions } from './event.ts'
import type { MaintenanceOptions } from './maintenance.ts'
import type { MonitorOptions } from './monitor.ts'

export function declareAgent(program: Command): void {
  withConnection(declare(program, 'info', 'what the agent says about itself')).action(
    async (options: SharedOptions) => {
      const { showInfo } = await import('./info.ts')
      await showInfo(contextOf(options))
    },
  )
  const monitoring = declare(program, 'monitor', "follow the agent's log")
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
    .option('--log-json', 'one JSON object per line')
  withConnection(monitoring).action(async (options: SharedOptions & MonitorOptions) => {
    const { monitor } = await import('./monitor.ts')
    await monitor(options)
  })
  declareMaintenance(program)
  declareDebug(program)
}

function declareMaintenance(program: Command): void {
  const maintaining = declare(program, 'maint', 'take a host or service out of use')
    .option('--enable', 'out of use')
    .option('--disable', 'in use again')
    .option('--service <id>', 'this service of the host; default: the host with all of them')
    .option('--reason <text>', 'shown with its check')
    .addHelpText('after', '\nWithout -enable and -disable: lists what is out of use.')
  withConnection(maintaining).action(async (options: SharedOptions & MaintenanceOptions) => {
    const { maintain } = await import('./maintenance.ts')
    await maintain(contextOf(options), options)
  })
}

function declareDebug(program: Command): void {
  const debugging = declare(program, 'debug', 'collect what helps to find a fault')
    .option('--duration <duration>', 'how long', '30s')
    .option('--interval <duration>', 'between two looks at metrics and process', '10s')
    .option('--capture <names>', 'only these: agent,host,cluster,metrics,process,logs,profile')
    .option('--file <file>', 'where to write (default: mesh-debug-TIME.tar.gz)')
    .addHelpText('after', '\nThe file holds no token, no key and no definition of a service.')
  withConnection(debugging).action(async (options: SharedOptions & DebugOptions) => {
    const { debug } = await import('./debug.ts')
    await debug(contextOf(options), options)
  })
}

export function declareEvent(program: Command): void {
  const event = declare(program, 'event [payload]', 'tell all hosts of something, once')
    .option('--name <name>', 'name of the event')
    .option('--node <pattern>', 'only hosts whose name matches')
    .option('--service <pattern>', 'only hosts with a service that matches')
    .option('--tag <pattern>', 'only instances of -service with a tag that matches')
    .addHelpText('after', '\nA payload of - is read from standard input.')
  withConnection(event).action(async (payload: string | undefined, options: SharedOptions & EventOptions) => {
    const { fireEvent } = await import('./event.ts')
    await fireEvent(contextOf(options), payload, options)
  })
}
