/** Pictures made no larger than models look at: a photograph of a phone is ten times that. */
import { fitted } from './attach'

const LONGEST = 2048
/** Below this a picture goes as it is. */
const LIGHT = 1_500_000

/** The picture, smaller where it is large; as it is where the browser cannot read it. */
export async function shrunk(file: File): Promise<File> {
  if (!/^image\/(?:png|jpeg|webp)$/.test(file.type) || file.size < LIGHT) return file
  try {
    const picture = await createImageBitmap(file)
    const { width, height } = fitted(picture.width, picture.height, LONGEST)
    const canvas = document.createElement('canvas')
    canvas.width = width
    canvas.height = height
    canvas.getContext('2d')?.drawImage(picture, 0, 0, width, height)
    picture.close()
    const type = file.type === 'image/png' ? 'image/png' : 'image/jpeg'
    const made = await new Promise<Blob | null>((done) => canvas.toBlob(done, type, 0.9))
    if (made === null || made.size >= file.size) return file
    return new File([made], type === 'image/jpeg' ? file.name.replace(/\.\w+$/, '.jpg') : file.name, { type, lastModified: file.lastModified })
  } catch {
    return file
  }
}
