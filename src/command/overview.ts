/** The list of all commands, as `mesh -help` shows it: groups in two columns, so that all of them fit one screen. */
import type { Command } from 'commander'

const columnWidth = 48
const nameWidth = 12

export function overview(program: Command): string {
  const groups = new Map<string, Command[]>()
  for (const command of program.createHelp().visibleCommands(program)) {
    const heading = command.helpGroup() || 'Other:'
    groups.set(heading, [...(groups.get(heading) ?? []), command])
  }
  const lines = [...groups].flatMap(([heading, commands]) => [heading, ...columns(commands.map(cell)), ''])
  return [
    'Usage: mesh <command> [options]',
    '',
    ...lines,
    '`mesh <command> -help` tells more. Connection: -http-addr, -token-file, or MESH_HTTP_ADDR,',
    'MESH_TOKEN_FILE, MESH_TOKEN. Exit status: 0 done, 1 refused or failed, 2 called wrongly.',
    '',
  ].join('\n')
}

function columns(cells: readonly string[]): readonly string[] {
  const rows = Math.ceil(cells.length / 2)
  return Array.from({ length: rows }, (_, row) => {
    const left = cells[row] ?? ''
    const right = cells[row + rows]
    return `  ${right === undefined ? left : `${left.padEnd(columnWidth)} ${right}`}`
  })
}

function cell(command: Command): string {
  const room = columnWidth - nameWidth - 1
  const summary = command.summary() || command.description()
  const short =
    summary.length <= room ? summary : `${summary.slice(0, room - 2).replace(/[\s,;:]+\S*$/, '')} …`
  return `${command.name().padEnd(nameWidth)} ${short}`
}
