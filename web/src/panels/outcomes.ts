const OUTCOMES: Record<string, string> = {
  accepted: 'followed',
  'instance.cooldown': 'resting after the last trade',
  'risk.daily_loss': 'daily loss limit reached',
  'risk.max_drawdown': 'drawdown limit reached',
  'risk.max_exposure': 'exposure limit reached',
  'risk.max_open_positions': 'enough positions are open',
  'risk.trades_per_day': 'trades of the day used up',
}

/** What became of a signal, in words; for a code without any, the reason that came with it. */
export function outcomeWords(outcome: string, reason: string): string {
  return OUTCOMES[outcome] ?? (reason || outcome.replaceAll(/[._]/g, ' '))
}
