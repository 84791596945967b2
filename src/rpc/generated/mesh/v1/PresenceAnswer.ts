// Original file: mesh.proto


export interface PresenceAnswer {
}

export interface PresenceAnswer__Output {
}
