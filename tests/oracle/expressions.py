"""Expressions: conditions, updates, projections and key conditions as text with the names and values they use, right ones and wrong ones."""
import re

import schema
import values
import words

COMPARATORS = ["=", "<>", "<", "<=", ">", ">="]
TYPES = ["S", "N", "B", "SS", "NS", "BS", "L", "M", "BOOL", "NULL"]


class Writer:
    """Writes the expressions of one request and gathers their ExpressionAttributeNames and ExpressionAttributeValues."""

    def __init__(self, random, table):
        self.random, self.table = random, table
        self.names, self.values = {}, {}
        # Attributes that this expression has changed or named already, which it may do once.
        self.taken = set()

    # ---- names, paths, values ----

    def name(self, attribute):
        """Itself where it may stand, else, or by chance, a placeholder."""
        if re.fullmatch("[A-Za-z][A-Za-z0-9_]*", attribute) and self.random.random() < (0.01 if attribute.upper() in words.WORDS else 0.5):
            return attribute
        placeholder = f"#{attribute if attribute.isalnum() else 'odd'}"
        self.names[placeholder] = attribute
        return placeholder

    def value(self, value):
        for placeholder, known in self.values.items():
            if known == value and self.random.random() < 0.7:
                return placeholder
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = value
        return placeholder

    def attribute(self):
        roll = self.random.random()
        if roll < 0.08:
            return self.random.choice(list(self.table.types()))
        if roll < 0.12:
            return self.random.choice(schema.RESERVED)
        if roll < 0.15:
            return "absent"
        return self.random.choice(list(self.table.attributes))

    def fresh_attribute(self):
        """One that this expression has not named yet, and no key, most of the time."""
        for _ in range(20):
            attribute = self.attribute()
            if self.random.random() < 0.03 or (attribute not in self.taken and attribute not in self.table.key):
                break
        self.taken.add(attribute)
        return attribute

    def path(self, attribute=None):
        attribute = attribute or self.attribute()
        text = self.name(attribute)
        kind = self.table.attributes.get(attribute)
        steps = self.random.choice([1, 1, 1, 2]) if kind in ("M", "L") and self.random.random() < 0.4 else int(self.random.random() < 0.03)
        for _ in range(steps):
            text += self.path_step(kind == "L")
        return text

    def path_step(self, is_list):
        """Into a list or a map, as the attribute is; now and then the other way."""
        if is_list == (self.random.random() < 0.8):
            return f"[{self.random.choice([0, 1, 2, 9])}]"
        return "." + self.name(self.random.choice(self.table.map_members))

    def operand(self, attribute):
        """Something to compare an attribute with."""
        roll = self.random.random()
        if roll < 0.1:
            return self.path()
        if roll < 0.15:
            return f"size({self.path()})"
        return self.value(self.usual_value(attribute))

    def usual_value(self, attribute):
        if attribute in self.table.types() and self.random.random() < 0.9:
            return self.table.key_value(self.random, attribute)
        return self.table.attribute_value(self.random, attribute)

    def request_members(self):
        members = {}
        if self.names:
            members["ExpressionAttributeNames"] = self.names
        if self.values:
            members["ExpressionAttributeValues"] = self.values
        return members

    # ---- conditions ----

    def condition(self, depth=2):
        roll = self.random.random()
        if depth == 0 or roll < 0.5:
            return self.random.choice([self.comparison, self.comparison, self.between, self.one_of, self.function, self.function, self.existence, self.existence])()
        if roll < 0.6:
            return f"{self.random.choice(['NOT', 'not'])} {self.condition(depth - 1)}"
        if roll < 0.7:
            return f"({self.condition(depth - 1)})"
        return f"{self.condition(depth - 1)} {self.random.choice(['AND', 'OR', 'and', 'Or'])} {self.condition(depth - 1)}"

    def comparison(self):
        attribute = self.attribute()
        left = self.path(attribute)
        comparators = COMPARATORS if self.table.attributes.get(attribute, "S") in "SNB" or self.random.random() < 0.1 else ["=", "<>"]
        if self.random.random() < 0.12:
            return f"size({left}) {self.random.choice(COMPARATORS)} {self.value({'N': self.random.choice('0123')})}"
        sides = [left, self.operand(attribute)]
        if self.random.random() < 0.1:
            sides.reverse()
        return f" {self.random.choice(comparators)} ".join(sides)

    def between(self):
        attribute = self.random.choice([*self.of_types("S", "N", "B"), self.attribute()])
        low, high = self.usual_value(attribute), self.usual_value(attribute)
        if low.keys() == high.keys() and self.random.random() < 0.9:
            low, high = sorted([low, high], key=values.order)
        return f"{self.path(attribute)} BETWEEN {self.value(low)} AND {self.value(high)}"

    def one_of(self):
        attribute = self.attribute()
        return f"{self.path(attribute)} IN ({', '.join(self.operand(attribute) for _ in range(self.random.randrange(1, 4)))})"

    def function(self):
        attribute = self.attribute()
        path = self.path(attribute)
        return self.random.choice([
            lambda: f"begins_with({path}, {self.value(values.of_type(self.random, self.random.choice('SSSB')))})",
            lambda: f"contains({path}, {self.operand(self.attribute())})",
            lambda: f"contains({path}, {self.value(values.of_type(self.random, self.random.choice('SNB')))})",
            lambda: f"attribute_type({path}, {self.value({'S': self.random.choice(TYPES)})})"])()

    def existence(self):
        return f"{self.random.choice(['attribute_exists', 'attribute_not_exists'])}({self.path()})"

    # ---- updates ----

    def update(self):
        clauses = []
        self.taken = set()
        kinds = [self.set_clause, self.remove_clause, self.add_clause, self.delete_clause]
        chosen = self.random.sample(kinds, self.random.choice([2, 3])) if self.random.random() < 0.25 else self.random.choices(kinds, [6, 2, 2, 2])
        for make in chosen:
            clauses.append(make())
        return " ".join(clauses)

    def actions(self, make):
        return ", ".join(make() for _ in range(self.random.choice([1, 1, 2, 3])))

    def set_clause(self):
        return f"{self.random.choice(['SET', 'SET', 'set'])} {self.actions(self.set_action)}"

    def set_action(self):
        attribute = self.fresh_attribute()
        path = self.path(attribute)
        return f"{path} = {self.set_value(attribute, path)}"

    def set_value(self, attribute, path):
        roll = self.random.random()
        if roll < 0.6:
            return self.value(self.usual_value(attribute))
        if roll < 0.75 and (self.table.attributes.get(attribute) == "N" or roll < 0.62):
            return f"{self.set_operand(attribute, path)} {self.random.choice('+-')} {self.value({'N': values.number(self.random)})}"
        if roll < 0.85 and (self.table.attributes.get(attribute) == "L" or roll < 0.77):
            other = self.path(self.random.choice(self.of_types("L"))) if self.of_types("L") and self.random.random() < 0.3 else path
            lists = [other, self.value({"L": values.list_of(self.random, 1)})]
            self.random.shuffle(lists)
            return f"list_append({', '.join(lists)})"
        return self.set_operand(attribute, path)

    def set_operand(self, attribute, path):
        roll = self.random.random()
        if roll < 0.5:
            return path
        if roll < 0.8:
            return f"if_not_exists({path}, {self.value(self.usual_value(attribute))})"
        return self.path()

    def remove_clause(self):
        return f"REMOVE {self.actions(lambda: self.path(self.fresh_attribute()))}"

    def add_clause(self):
        def action():
            attribute = self.fresh_of("N", "SS", "NS", "BS")
            kind = self.random.choice(["N", "NS", "SS"]) if self.random.random() < 0.2 else self.table.attributes.get(attribute, "N")
            return f"{self.path(attribute)} {self.value(values.of_type(self.random, kind))}"
        return f"ADD {self.actions(action)}"

    def delete_clause(self):
        def action():
            attribute = self.fresh_of("SS", "NS", "BS")
            kind = self.table.attributes.get(attribute, "SS")
            return f"{self.path(attribute)} {self.value(values.of_type(self.random, kind))}"
        return f"DELETE {self.actions(action)}"

    def of_types(self, *kinds):
        return [name for name, kind in self.table.attributes.items() if kind in kinds]

    def fresh_of(self, *kinds):
        left = [name for name in self.of_types(*kinds) if name not in self.taken]
        if not left or self.random.random() < 0.04:
            return self.fresh_attribute()
        attribute = self.random.choice(left)
        self.taken.add(attribute)
        return attribute

    # ---- projections ----

    def projection(self):
        self.taken = set(self.table.key) if self.random.random() < 0.5 else set()
        return ", ".join(self.path(self.fresh_attribute()) for _ in range(self.random.choice([1, 2, 2, 3, 5])))

    # ---- key conditions ----

    def key_condition(self, key):
        """key: name -> type, partition key first."""
        names = list(key)
        terms = [f"{self.name(names[0])} = {self.value(self.table.key_value(self.random, names[0]))}"]
        if len(names) > 1 and self.random.random() < 0.6:
            terms.append(self.sort_condition(names[1], key[names[1]]))
            if self.random.random() < 0.1:
                terms.reverse()
        return " AND ".join(f"({term})" if self.random.random() < 0.1 else term for term in terms)

    def sort_condition(self, name, kind):
        low, high = sorted([self.table.key_value(self.random, name), self.table.key_value(self.random, name)], key=values.order)
        path = self.name(name)
        return self.random.choice([
            lambda: f"{path} {self.random.choice(['=', '<', '<=', '>', '>='])} {self.value(low)}",
            lambda: f"{path} BETWEEN {self.value(low)} AND {self.value(high)}",
            lambda: f"begins_with({path}, {self.value(low if kind != 'N' or self.random.random() < 0.2 else {'S': 'a'})})"])()


# ---- mistakes ----

def drop_token(random, text):
    tokens = re.findall(r"[#:]?\w+|\S", text)
    tokens.pop(random.randrange(len(tokens)))
    return " ".join(tokens)


def insert_token(random, text):
    tokens = re.findall(r"[#:]?\w+|\S", text)
    tokens.insert(random.randrange(len(tokens) + 1), random.choice([",", "(", ")", "AND", "=", "SET", ":", "#", ".", "[", "size", "!", "1",
                                                                       "'a'", "NOT", "+", "$", "[0]", "IN"]))
    return " ".join(tokens)


WRONG_CONDITIONS = [
    "", " ", "a", "a = ", "status = :v0", "a = :missing", "#missing = :v0", "foo(a)", "attribute_exists(:v0)", "size(a)", "contains(a)", "begins_with(a, b, c)",
    "a = b = c",
    "a IN ()", "a BETWEEN :v0", "NOT", "attribute_type(a, :v0)", "a = 1", "a = 'x'", "(a = :v0", "a = :v0)", "a == :v0", "a != :v0", "a[-1] = :v0",
    "a[x] = :v0", "a..b = :v0",
    "size(a, b) = :v0", "a = :v0 AND", "AND a = :v0", ":v0 = :v0", "a = a", "begins_with(a, :n)", "size(:v0) = :n", "attribute_not_exists(a, b)",
    "(((((a = :v0)))))",
    "((a = :v0))", "ATTRIBUTE_EXISTS(a)", "a IN (:v0, :v0)", "a between :n and :n", "contains(a, a)", "attribute_exists(a) = :v0", "a = attribute_exists(b)"]
WRONG_UPDATES = [
    "", "SET", "SET a", "SET a = ", "SET a = :v0 SET b = :v0", "SET a = :v0, a = :v0", "SET a.b = :v0, a = :v0", "REMOVE", "REMOVE a a", "ADD a", "ADD a b",
    "DELETE a", "ADD a :v0 ADD b :v0",
    "SET a = a + ", "SET a = :v0 + :v0", "SET a = list_append(a)", "SET a = if_not_exists(:v0, a)", "SET status = :v0", "REMOVE a[0], a[0]", "SET a = foo(a)",
    "SET a = size(a)",
    "UPDATE a = :v0", "SET a = :v0 REMOVE a", "SET a[0] = :v0, a[1] = :v0", "SET a = b + :n - :n", "DELETE a :v0", "SET a = (:v0)", "SET a = :missing",
    "SET #missing = :v0",
    "SET a = list_append(:v0, :n)", "SET a = if_not_exists(a, b, :v0)", "a = :v0", "SET a = :n * :n", "ADD a.b :n", "REMOVE a.b.c, a.b", "SET a = b, b = a"]
WRONG_PROJECTIONS = ["", "a,", ",a", "a, a", "a.b, a", "a[0], a[0]", "status", "#missing", "a b", "a[", "a[x]", "a.", ":v0", "a[0].b, a[0].c", "*", "size(a)", "(a)"]


def around(random, limit):
    return limit + random.choice([-1, 0, 0, 1])


def at_limit(random):
    """A condition at a limit of expressions, or one step beside it: operands of IN, operators, length, depth of paths and of parentheses."""
    return random.choice([
        lambda: f"a IN ({', '.join([':v0'] * around(random, 100))})",
        lambda: " AND ".join(["a = :v0"] * around(random, random.choice([150, 151, 300]))),
        lambda: "NOT " * around(random, 299) + "a = :v0",
        lambda: "a = :v0 OR " + "b" * (around(random, 4096) - len("a = :v0 OR  = :v0")) + " = :v0",
        lambda: ".".join(["a"] * around(random, 32)) + " = :v0",
        lambda: "a" + "[0]" * around(random, 31) + " = :v0",
        lambda: "NOT (" * 20 + "a = :v0" + ")" * 20,
        lambda: "b" * around(random, 255) + " = :v0"])()


def wrong(random, kind):
    """A text that is mostly wrong, with values that it may or may not use."""
    texts = {"condition": WRONG_CONDITIONS, "update": WRONG_UPDATES, "projection": WRONG_PROJECTIONS}[kind]
    available = {":v0": {"S": "a"}, ":n": {"N": "1"}}
    text = at_limit(random) if kind == "condition" and random.random() < 0.2 else random.choice(texts)
    used = {name: value for name, value in available.items() if name in text or random.random() < 0.05}
    return text, used


def spoil(random, body, member):
    """Makes a request with an expression wrong: its syntax, its names or its values."""
    names, bound = body.get("ExpressionAttributeNames"), body.get("ExpressionAttributeValues")
    ways = [lambda: body.update({member: drop_token(random, body[member])}), lambda: body.update({member: insert_token(random, body[member])}),
            lambda: body.setdefault("ExpressionAttributeValues", {}).update({":unused": {"S": "u"}}),
            lambda: body.setdefault("ExpressionAttributeNames", {}).update({"#unused": "u"}),
            lambda: body.setdefault("ExpressionAttributeValues", {}).update({random.choice(["novalue", ":", ":a-b", "#v"]): {"S": "u"}}),
            lambda: body.setdefault("ExpressionAttributeNames", {}).update({random.choice(["noname", "#", "#a-b", ":n"]): "u"}),
            lambda: body.update(ExpressionAttributeNames={}), lambda: body.update(ExpressionAttributeValues={})]
    if names:
        ways += [lambda: names.pop(random.choice(list(names))), lambda: names.update({random.choice(list(names)): ""})]
    if bound:
        ways += [lambda: bound.pop(random.choice(list(bound))), lambda: bound.update({random.choice(list(bound)): values.any_value(random)}),
                 lambda: bound.update({random.choice(list(bound)): values.wrong(random)})]
    random.choice(ways)()
