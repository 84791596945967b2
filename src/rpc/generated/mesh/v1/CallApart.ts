// Original file: mesh.proto


export interface CallApart {
}

export interface CallApart__Output {
}
