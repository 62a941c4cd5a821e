import type { Check, ConditionReading, SessionView } from '../wire/generated'

export type Lifecycle = SessionView['state']
export type CheckStatus = Check['status']
export type Answer = ConditionReading['answer']
