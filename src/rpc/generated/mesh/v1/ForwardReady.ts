// Original file: mesh.proto


export interface ForwardReady {
}

export interface ForwardReady__Output {
}
