"""Sequences: the same seed and number always give the same steps, whatever the servers answer, so that a difference can be replayed and shortened.

A sequence begins with no table, makes a few, works on them and reads them once more at its end."""
import random as random_module

import malformed
import operations
import partiql
import schema
import tables
import values

ONE_TABLE = [(18, operations.put_item), (22, operations.update_item), (8, operations.delete_item), (10, operations.get_item), (14, operations.query),
             (6, operations.scan),
             (4, partiql.execute_statement), (1.2, tables.describe), (0.5, tables.update_table), (0.4, tables.time_to_live), (0.2, tables.tag),
             (0.4, tables.stream_mistake),
             (0.7, operations.get_word)]
MANY_TABLES = [(3, operations.batch_get), (4, operations.batch_write), (3, operations.transact_get), (7, operations.transact_write), (1.5, partiql.batch_execute),
               (1.5, partiql.execute_transaction)]
MALFORMED = 0.015


def generator(seed, number):
    return random_module.Random(f"landfall {seed} {number}")


def pick(random, weighted):
    return random.choices([make for _, make in weighted], [weight for weight, _ in weighted])[0]


def one_step(random, known, single=None, several=None):
    single, several = single or ONE_TABLE, several or MANY_TABLES
    make = pick(random, single + several)
    argument = known if make in [entry for _, entry in several] else random.choice(known)
    random.has_mistaken = False
    step = make(random, argument)
    return malformed.malform(random, step) if values.mistaken(random, MALFORMED) else step


def closing_steps(known):
    """What the tables hold in the end, by every way to read them."""
    for table in known:
        yield operations.step("Scan", {"TableName": table.name}, pages=True)
        for index in table.indexes:
            yield operations.step("Scan", {"TableName": table.name, "IndexName": index.name}, pages=True)
        if table.stream:
            yield tables.read_stream(None, table)
        yield operations.step("DescribeTable", {"TableName": table.name})


def make(seed, number, length):
    random = generator(seed, number)
    known = [schema.random_table(random, f"table{n}") for n in range(random.choice([1, 2, 3]))]
    steps = []
    for table in known:
        if random.random() < 0.2:
            steps.append(tables.wrong_create(random, table))
        steps.append(tables.create_table(table))
    closing = 2 * len(known)
    while len(steps) < length - closing:
        steps.extend(life_step(random, known))
    return steps + list(closing_steps(known))


def life_step(random, known):
    """Mostly an operation; rarely a table goes and comes back with other keys, or is asked for once it is gone."""
    roll = random.random()
    if roll < 0.004:
        return replace_table(random, known)
    if roll < 0.01:
        return [tables.wrong_create(random, random.choice(known))]
    if roll < 0.013:
        return [operations.put_item(random, schema.random_table(random, "missing"))]
    if roll < 0.0135 and known[0].sort:
        return list(operations.bulky(random, known[0]))
    return [one_step(random, known)]


def replace_table(random, known):
    position = random.randrange(len(known))
    old = known[position]
    known[position] = schema.random_table(random, old.name)
    return [*([tables.read_stream(random, old)] if old.stream else []), tables.step("DeleteTable", {"TableName": old.name}), operations.get_item(random, old),
            tables.create_table(known[position])]
