/** The life of a program as a process: when it is told to stop, and whether its event loop still turns. */

/** The first of the signals that end a program; further ones mean nothing, because Ctrl-C under npm arrives twice. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.on('SIGTERM', () => resolve())
    process.on('SIGINT', () => resolve())
  })
}

/** For a watchdog: whether the event loop has gone round since the last question. */
export function turning(): () => boolean {
  let turned = true
  return () => {
    const alive = turned
    turned = false
    setImmediate(() => {
      turned = true
    })
    return alive
  }
}
