// The file form of a story: paragraphs of `#` prose and commands, each followed by `----` and what came out.

export interface Paragraph {
  /** Prose and commands as they stand in the file. */
  readonly lines: readonly string[]
  /** Of the first line, from 1. */
  readonly lineNumber: number
}

const rule = '----'

const isProse = (line: string): boolean => line.startsWith('#')

export const commandsOf = ({ lines }: Paragraph): readonly string[] => lines.filter((line) => !isProse(line))

/** What stands after a rule is output of an earlier run and is not read. */
export function parseStory(text: string): readonly Paragraph[] {
  const paragraphs: Paragraph[] = []
  let lines: string[] = []
  let isOutput = false
  let at = 1
  const close = (): void => {
    isOutput = false
    if (lines.length === 0) return
    paragraphs.push({ lines, lineNumber: at - lines.length })
    lines = []
  }
  for (const line of text.split('\n')) {
    if (line.trim() === '') close()
    else if (line === rule) {
      close()
      isOutput = true
    } else if (!isOutput) lines.push(line)
    at += 1
  }
  close()
  return paragraphs
}

/** The lines of prose that a story begins with. */
export function proseOf(paragraphs: readonly Paragraph[]): readonly string[] {
  const lines = paragraphs[0]?.lines ?? []
  const end = lines.findIndex((line) => !isProse(line))
  return end === -1 ? lines : lines.slice(0, end)
}

/** The story with the output that `run` gives for each paragraph's commands. */
export function tellStory(
  paragraphs: readonly Paragraph[],
  run: (commands: readonly string[], lineNumber: number) => readonly string[],
): string {
  const told = paragraphs.map((paragraph) => {
    const commands = commandsOf(paragraph)
    if (commands.length === 0) return paragraph.lines
    const output = run(commands, paragraph.lineNumber)
    return [...paragraph.lines, rule, ...(output.length === 0 ? ['(nothing)'] : output)]
  })
  return `${told.map((lines) => lines.join('\n')).join('\n\n')}\n`
}
