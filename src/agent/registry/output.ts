/** Bounds on what a check says: whole characters, at most so many bytes of UTF-8. */
const encoder = new TextEncoder()

/** The longest beginning of `text` that fits; never half a character. */
export function boundedText(text: string, maxBytes: number): string {
  // A character takes at most three bytes per UTF-16 unit, so short texts need no encoding.
  if (text.length * 3 <= maxBytes) return text
  const target = new Uint8Array(maxBytes)
  return text.slice(0, encoder.encodeInto(text, target).read)
}
