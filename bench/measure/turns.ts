/** One of those that take turns. */
export interface Named {
  readonly name: string;
}

/**
 * Measures all in turns, so that a change in the machine affects all of them. One that fails twice
 * in one turn is left out of the result, and the others go on.
 */
export async function takeTurns<Contestant extends Named, Result>(
  contestants: readonly Contestant[],
  rounds: number,
  measure: (contestant: Contestant) => Promise<Result>,
): Promise<Map<Contestant, Result[]>> {
  const results = new Map(contestants.map((contestant) => [contestant, [] as Result[]]));
  for (let round = 0; round < rounds; round++) {
    for (const [contestant, own] of [...results]) {
      const result = await tryTwice(contestant, measure);
      if (result === undefined) results.delete(contestant);
      else own.push(result);
    }
  }
  return results;
}

async function tryTwice<Contestant extends Named, Result>(
  contestant: Contestant,
  measure: (contestant: Contestant) => Promise<Result>,
): Promise<Result | undefined> {
  for (const consequence of ["once more", "left out"]) {
    try {
      return await measure(contestant);
    } catch (error) {
      console.warn(`${contestant.name} failed, ${consequence}:`, error);
    }
  }
  return undefined;
}
