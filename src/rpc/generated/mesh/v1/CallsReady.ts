// Original file: mesh.proto


export interface CallsReady {
}

export interface CallsReady__Output {
}
