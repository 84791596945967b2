/**
 * The command line as people of this field type it: long flags with one dash (`-config-dir x`, `-o=json`), which the
 * argument parser would take for single letters. Knows no command.
 */

/** Gives long flags their second dash; single letters, `-`, negative numbers and what follows `--` stay as they are. */
export function normaliseArguments(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--')
  const flags = end < 0 ? args : args.slice(0, end)
  return [...flags.map(normaliseOne), ...(end < 0 ? [] : args.slice(end))]
}

function normaliseOne(text: string): string {
  if (/^-[a-z][a-z0-9]*(-[a-z0-9]+)*(=|$)/i.test(text) && !/^-[a-z](=|$)/i.test(text)) return `-${text}`
  // `-o=json` is what Go's flag package allows; the parser wants the value apart or glued to the letter.
  const letter = /^(-[a-z])=(.*)$/is.exec(text)
  return letter === null ? text : `${letter[1]}${letter[2]}`
}
