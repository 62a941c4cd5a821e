import type { ErrorBody } from '../wire/generated'

/** An answer that was not what was asked for: the server's sentence, its code, and where in the input it points. */
export class ApiError extends Error {
  override readonly name = 'ApiError'

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly path: string | null,
    readonly errorId: string | null,
  ) {
    super(message)
  }
}

async function readError(answer: Response): Promise<ApiError> {
  try {
    const body = (await answer.json()) as ErrorBody
    return new ApiError(answer.status, body.code, body.message, body.path ?? null, body.error_id ?? null)
  } catch {
    const message = `The server answered ${answer.status} ${answer.statusText} without a reason; see its log.`
    return new ApiError(answer.status, 'http.no_reason', message, null, null)
  }
}

async function request<T>(path: string, init: RequestInit): Promise<T> {
  let answer: Response
  try {
    answer = await fetch(path, init)
  } catch {
    throw new ApiError(0, 'http.unreachable', 'The desk does not answer. Is papertape still running?', null, null)
  }
  if (!answer.ok) throw await readError(answer)
  return (await answer.json()) as T
}

export type Query = Record<string, string | number | null | undefined>

export function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== null && value !== undefined) params.set(name, String(value))
  const suffix = params.size > 0 ? `?${params}` : ''
  return request<T>(`${path}${suffix}`, { signal: signal ?? null })
}

/** Posts a command. The same key makes a repeated command the same command. */
export function post<T>(path: string, body: unknown = {}, idempotencyKey?: string): Promise<T> {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (idempotencyKey) headers['idempotency-key'] = idempotencyKey
  return request<T>(path, { method: 'POST', headers, body: JSON.stringify(body) })
}
