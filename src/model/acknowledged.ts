/**
 * What proxies acknowledge to have in force, as names in one book: the intentions of a destination under the service's own
 * name, and which of its instances are in maintenance under a name that no service can have.
 */
const balancedPrefix = 'upstream:'

/** Those who balance over the instances of `service`: the number they acknowledge is the log index of the newest maintenance. */
export const balancedName = (service: string): string => `${balancedPrefix}${service}`

/** Which roots of the service plane are trusted: the log index of their last change. */
export const trustName = 'roots:'

/** Whether `name` is that of a destination, whose number is that of its intentions. */
export const isDestinationName = (name: string): boolean => name !== trustName && !isBalancedName(name)

export const isBalancedName = (name: string): boolean => name.startsWith(balancedPrefix)
