// Original file: mesh.proto


export interface CallCancel {
}

export interface CallCancel__Output {
}
