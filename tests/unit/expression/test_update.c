#include "../base/unit.h"

#include "expression/update.h"
#include "fixture.h"
#include "item/canonical.h"
#include "item/copy.h"

/* The item as updated, or the message of the error. */
static const struct row rows[] = {
    { "SET a=:s SET name=:s", "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "SET name=:s SET b=:s", "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "SET a=((:s)) SET b=:s", "Invalid UpdateExpression: The expression has redundant parentheses;" },
    { "SET a=foo(s) SET b=:s", "Invalid UpdateExpression: Invalid function name; function: foo" },
    { "SET a = :s, a = :s SET b = :nope",
      "Invalid UpdateExpression: The \"SET\" section can only be used once in an update expression;" },
    { "REMOVE a REMOVE b SET c = :s SET d = :s",
      "Invalid UpdateExpression: The \"REMOVE\" section can only be used once in an update expression;" },
    { "SET a = :s SET b = :s REMOVE c REMOVE d",
      "Invalid UpdateExpression: The \"SET\" section can only be used once in an update expression;" },
    { "SET a = :s SET b =", "Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \"=\"" },
    { "SET a = ((:n)) SET", "Invalid UpdateExpression: The expression has redundant parentheses;" },
    { "SET a = ((:n)) :n", "Invalid UpdateExpression: The expression has redundant parentheses;" },
    { "SET a.:n = :n",
      "Invalid UpdateExpression: An expression attribute name used in the document path is not defined; attribute name: :n" },
    { "REMOVE a.:n",
      "Invalid UpdateExpression: An expression attribute name used in the document path is not defined; attribute name: :n" },
    { "SET a = ((n + :n)) +", "Invalid UpdateExpression: The expression has redundant parentheses;" },
    { "SET a = :s", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":"
                    "true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{"
                    "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":"
                    "{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"S\":\"text\"}}" },
    { "SET a = :s, c = n", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{"
                           "\"BOOL\":true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},"
                           "\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{"
                           "\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"S\":\"text\"},\"c\":{\"N\":\"5\"}}" },
    { "SET a = n + :n", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{"
                        "\"BOOL\":true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":"
                        "{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},"
                        "\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":\"10\"}}" },
    { "SET a = n - :n1", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{"
                         "\"BOOL\":true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},"
                         "\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":"
                         "\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":\"4\"}}" },
    { "SET a = n + s", "An operand in the update expression has an incorrect data type" },
    { "SET a = n + :s",
      "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: +, operand type: S" },
    { "SET a = :s + n",
      "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: +, operand type: S" },
    { "SET a = zz + :n", "The provided expression refers to an attribute that does not exist in the item" },
    { "SET a = zz", "The provided expression refers to an attribute that does not exist in the item" },
    { "SET a = m.zz", "The provided expression refers to an attribute that does not exist in the item" },
    { "SET a = if_not_exists(zz, :n) + :n",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":"
      "\"10\"}}" },
    { "SET a = if_not_exists(n, :s) + :n",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":"
      "\"10\"}}" },
    { "SET a = if_not_exists(s, :n) + :n", "An operand in the update expression has an incorrect data type" },
    { "SET a = list_append(l, :lst)",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"L\":[{"
      "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}},{\"S\":\"p\"},{\"S\":\"q\"}]}}" },
    { "SET a = list_append(:lst, l)",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"L\":[{"
      "\"S\":\"p\"},{\"S\":\"q\"},{\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]}}" },
    { "SET a = list_append(zz, :lst)", "The provided expression refers to an attribute that does not exist in the item" },
    { "SET a = list_append(if_not_exists(zz, :l), :lst)",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"L\":[{"
      "\"S\":\"p\"},{\"S\":\"q\"}]}}" },
    { "SET a = list_append(s, :lst)", "An operand in the update expression has an incorrect data type" },
    { "SET a = list_append(l, :s)", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or "
                                    "function: list_append, operand type: S" },
    { "SET a = list_append(l, l)",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"L\":[{"
      "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}},{\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]}"
      "}" },
    { "SET a = l", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":"
                   "true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{"
                   "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{"
                   "\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]}}" },
    { "SET m.x = :s",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"S\":\"text\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "SET m.w = :s", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":"
                      "true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{"
                      "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{"
                      "\"M\":{\"z\":{\"S\":\"deep\"}}},\"w\":{\"S\":\"text\"}}}}" },
    { "SET m.w.v = :s", "The document path provided in the update expression is invalid for update" },
    { "SET zz.v = :s", "The document path provided in the update expression is invalid for update" },
    { "SET s.v = :s", "The document path provided in the update expression is invalid for update" },
    { "SET s[0] = :s", "The document path provided in the update expression is invalid for update" },
    { "SET l[0] = :s",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"S\":\"text\"},{\"S\":\"two\"},"
      "{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "SET l[9] = :s", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":"
                       "true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{"
                       "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}},{\"S\":\"text\"}]},\"m\":{\"M\":{\"x\":{\"N\":"
                       "\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "SET l[9] = :s, l[7] = :n, l[3] = :n1",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}},{\"N\":\"1\"},{\"N\":\"5\"},{\"S\":\"text\"}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{"
      "\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "SET l[0].x = :s", "The document path provided in the update expression is invalid for update" },
    { "SET l[2].x = :s",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"S\":\"text\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "SET l[5].x = :s", "The document path provided in the update expression is invalid for update" },
    { "SET l.x = :s", "The document path provided in the update expression is invalid for update" },
    { "SET m[0] = :s", "The document path provided in the update expression is invalid for update" },
    { "SET #a.b = :s", "The document path provided in the update expression is invalid for update" },
    { "SET a = :s REMOVE s",
      "{\"pk\":{\"S\":\"a\"},\"a\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "REMOVE s, n", "{\"pk\":{\"S\":\"a\"},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"l\":{"
                     "\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"b\":{\"B\":\"YWJj\"},\"bo\":{"
                     "\"BOOL\":true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]}}" },
    { "REMOVE zz",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "REMOVE m.zz",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "REMOVE m.zz.y", "The document path provided in the update expression is invalid for update" },
    { "REMOVE zz.y", "The document path provided in the update expression is invalid for update" },
    { "REMOVE l[0]",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"S\":\"two\"},{\"M\":{\"x\":{"
      "\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "REMOVE l[0], l[1]",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"M\":{\"x\":{\"N\":\"3\"}}}]},"
      "\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "REMOVE l[9]",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "REMOVE s.x", "The document path provided in the update expression is invalid for update" },
    { "REMOVE s[0]", "The document path provided in the update expression is invalid for update" },
    { "REMOVE l[0] SET l[1] = :s",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"S\":\"text\"},{\"M\":{\"x\":{"
      "\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "REMOVE l[0] SET l[9] = :s",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"S\":\"two\"},{\"M\":{\"x\":{"
      "\"N\":\"3\"}}},{\"S\":\"text\"}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "ADD n :n",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"10\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "ADD zz :n", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":"
                   "true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{"
                   "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{"
                   "\"z\":{\"S\":\"deep\"}}}}},\"zz\":{\"N\":\"5\"}}" },
    { "ADD s :n", "An operand in the update expression has an incorrect data type" },
    { "ADD n :s", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: "
                  "STRING, typeSet: ALLOWED_FOR_ADD_OPERAND" },
    { "ADD n :ss", "An operand in the update expression has an incorrect data type" },
    { "ADD ss :ssx",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "ADD ss :ssn",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\",\"new\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":"
      "\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "ADD ss :nsx", "An operand in the update expression has an incorrect data type" },
    { "ADD ns :nsx",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\",\"7\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":"
      "\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "ADD zz :ssx", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":"
                     "true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{"
                     "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{"
                     "\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"zz\":{\"SS\":[\"x\",\"y\"]}}" },
    { "ADD zz :lst", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: "
                     "LIST, typeSet: ALLOWED_FOR_ADD_OPERAND" },
    { "ADD l :lst", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: "
                    "LIST, typeSet: ALLOWED_FOR_ADD_OPERAND" },
    { "ADD m.x :n",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"6\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "ADD m.zz :n", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":"
                     "true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{"
                     "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{"
                     "\"M\":{\"z\":{\"S\":\"deep\"}}},\"zz\":{\"N\":\"5\"}}}}" },
    { "ADD zz.y :n", "The document path provided in the update expression is invalid for update" },
    { "ADD l[0] :n",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"6\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "ADD l[9] :n", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":"
                     "true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{"
                     "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}},{\"N\":\"5\"}]},\"m\":{\"M\":{\"x\":{\"N\":"
                     "\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "ADD l[1] :n", "An operand in the update expression has an incorrect data type" },
    { "DELETE ss :ssx",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"ns\":{\"NS\":[\"1\",\"2\"]},"
      "\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]}}" },
    { "DELETE ss :ssn",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "DELETE ss :ss",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{"
      "\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "DELETE ss :nsx", "An operand in the update expression has an incorrect data type" },
    { "DELETE s :ss", "An operand in the update expression has an incorrect data type" },
    { "DELETE zz :ss",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "DELETE m.zz :ss",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "DELETE zz.y :ss", "The document path provided in the update expression is invalid for update" },
    { "DELETE n :n", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, operand type: "
                     "NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND" },
    { "DELETE ss :s", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, operand "
                      "type: STRING, typeSet: ALLOWED_FOR_DELETE_OPERAND" },
    { "SET pk = :s", "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key" },
    { "REMOVE pk", "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key" },
    { "ADD pk :n", "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key" },
    { "SET pk.x = :s",
      "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key" },
    { "SET a = :s, pk = :s",
      "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key" },
    { "SET a = :s, a = :n", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of "
                            "these paths; path one: [a], path two: [a]" },
    { "SET a = :s REMOVE a", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one "
                             "of these paths; path one: [a], path two: [a]" },
    { "SET a.b = :s, a = :s", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one "
                              "of these paths; path one: [a, b], path two: [a]" },
    { "SET a.b = :s, a[0] = :s", "Invalid UpdateExpression: Two document paths conflict with each other; must remove or rewrite "
                                 "one of these paths; path one: [a, b], path two: [a, [0]]" },
    { "SET a.b = :s, a.c = :s", "The document path provided in the update expression is invalid for update" },
    { "SET m.x = :s, m.y = :s",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"S\":\"text\"},\"y\":{\"S\":\"text\"}}}}" },
    { "SET m = :s, m.x = :s", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one "
                              "of these paths; path one: [m], path two: [m, x]" },
    { "SET l[0] = :s, l[0] = :s", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite "
                                  "one of these paths; path one: [l, [0]], path two: [l, [0]]" },
    { "SET l[0].a = :s, l[0] = :s", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or "
                                    "rewrite one of these paths; path one: [l, [0], a], path two: [l, [0]]" },
    { "SET l[0].a = :s, l[0][1] = :s", "Invalid UpdateExpression: Two document paths conflict with each other; must remove or "
                                       "rewrite one of these paths; path one: [l, [0], a], path two: [l, [0], [1]]" },
    { "SET a = :s SET b = :s", "Invalid UpdateExpression: The \"SET\" section can only be used once in an update expression;" },
    { "SET a = :s REMOVE s SET c = :s",
      "Invalid UpdateExpression: The \"SET\" section can only be used once in an update expression;" },
    { "REMOVE a REMOVE b", "Invalid UpdateExpression: The \"REMOVE\" section can only be used once in an update expression;" },
    { "ADD a :n ADD b :n", "Invalid UpdateExpression: The \"ADD\" section can only be used once in an update expression;" },
    { "DELETE a :ss DELETE b :ss",
      "Invalid UpdateExpression: The \"DELETE\" section can only be used once in an update expression;" },
    { "SET a = :s ADD zz :n DELETE ss :ss REMOVE n",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"zz\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{"
      "\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"S\":\"text\"}"
      "}" },
    { "set a = :s remove n",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"a\":{\"S\":\"text\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "SET", "Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \"SET\"" },
    { "SET a", "Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \"a\"" },
    { "SET a =", "Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \"=\"" },
    { "SET a = :s,", "Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \",\"" },
    { "SET a :s", "Invalid UpdateExpression: Syntax error; token: \":s\", near: \"a :s\"" },
    { "SET a = :s +", "Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \"+\"" },
    { "SET a = :n + :n + :n", "Invalid UpdateExpression: Syntax error; token: \"+\", near: \":n + :n\"" },
    { "SET a = (:n + :n)", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{"
                           "\"BOOL\":true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},"
                           "\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{"
                           "\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":\"10\"}}" },
    { "SET a = (:n) + (:n)", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{"
                             "\"BOOL\":true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},"
                             "\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{"
                             "\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":\"10\"}}" },
    { "SET a = ((:n)) + (:n)", "Invalid UpdateExpression: The expression has redundant parentheses;" },
    { "SET (a) = :n", "Invalid UpdateExpression: Syntax error; token: \"(\", near: \"SET (a\"" },
    { "SET a = (n) - :n", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{"
                          "\"BOOL\":true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},"
                          "\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{"
                          "\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":\"0\"}}" },
    { "SET a = (if_not_exists(zz, :n) + :n)",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":"
      "\"10\"}}" },
    { "SET a = :n + (:n + :n)", "Invalid UpdateExpression: Syntax error; token: \"+\", near: \":n + :n\"" },
    { "SET a = :n * :n", "Invalid UpdateExpression: Syntax error; token: \"*\", near: \":n * :n\"" },
    { "SET a = n == :n", "Invalid UpdateExpression: Syntax error; token: \"=\", near: \"n ==\"" },
    { "REMOVE", "Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \"REMOVE\"" },
    { "REMOVE a,", "Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \",\"" },
    { "REMOVE a b", "Invalid UpdateExpression: Syntax error; token: \"b\", near: \"a b\"" },
    { "REMOVE :s", "Invalid UpdateExpression: Syntax error; token: \":s\", near: \"REMOVE :s\"" },
    { "ADD", "Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \"ADD\"" },
    { "ADD a", "Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \"a\"" },
    { "ADD a b", "Invalid UpdateExpression: Syntax error; token: \"b\", near: \"a b\"" },
    { "ADD a n", "Invalid UpdateExpression: Syntax error; token: \"n\", near: \"a n\"" },
    { "ADD a = :n", "Invalid UpdateExpression: Syntax error; token: \"=\", near: \"a = :n\"" },
    { "ADD a if_not_exists(a, :n)",
      "Invalid UpdateExpression: Syntax error; token: \"if_not_exists\", near: \"a if_not_exists(\"" },
    { "DELETE a", "Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \"a\"" },
    { "DELETE ss s", "Invalid UpdateExpression: Syntax error; token: \"s\", near: \"ss s\"" },
    { "FOO a = :s", "Invalid UpdateExpression: Syntax error; token: \"FOO\", near: \"FOO a\"" },
    { "SET a = :s FOO", "Invalid UpdateExpression: Syntax error; token: \"FOO\", near: \":s FOO\"" },
    { "SET :s = :s", "Invalid UpdateExpression: Syntax error; token: \":s\", near: \"SET :s =\"" },
    { "SET a = size(l)", "Invalid UpdateExpression: The function is not allowed in an update expression; function: size" },
    { "SET a = foo(l)", "Invalid UpdateExpression: Invalid function name; function: foo" },
    { "SET a = attribute_exists(l)",
      "Invalid UpdateExpression: The function is not allowed in an update expression; function: attribute_exists" },
    { "SET a = if_not_exists(:s, :s)",
      "Invalid UpdateExpression: Operator or function requires a document path; operator or function: if_not_exists" },
    { "SET a = if_not_exists(zz)", "Invalid UpdateExpression: Incorrect number of operands for operator or function; operator or "
                                   "function: if_not_exists, number of operands: 1" },
    { "SET a = if_not_exists(zz, zz)", "Invalid UpdateExpression: The first operand must be distinct from the remaining operands "
                                       "for this operator or function; operator: if_not_exists, first operand: [zz]" },
    { "SET a = if_not_exists(zz, n)",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":"
      "\"5\"}}" },
    { "SET a = if_not_exists(zz, yy)", "The provided expression refers to an attribute that does not exist in the item" },
    { "SET a = if_not_exists(a, if_not_exists(b, :n))",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"B\":"
      "\"YWJj\"}}" },
    { "SET a = if_not_exists(size(a), :n)",
      "Invalid UpdateExpression: The function is not allowed in an update expression; function: size" },
    { "SET a = list_append(:s, l)", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or "
                                    "function: list_append, operand type: S" },
    { "SET a = list_append(:ss, :l)", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or "
                                      "function: list_append, operand type: SS" },
    { "SET a = list_append(l)", "Invalid UpdateExpression: Incorrect number of operands for operator or function; operator or "
                                "function: list_append, number of operands: 1" },
    { "SET a = list_append(l, l, l)", "Invalid UpdateExpression: Incorrect number of operands for operator or function; operator "
                                      "or function: list_append, number of operands: 3" },
    { "SET a = list_append(:l, :l)",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"L\":[]}"
      "}" },
    { "SET a = list_append(n + :n, :l)", "Invalid UpdateExpression: Syntax error; token: \"+\", near: \"n + :n\"" },
    { "SET a = :n + list_append(l, :l)",
      "Invalid UpdateExpression: The function is not allowed to be used this way in an expression; function: list_append" },
    { "SET a = :n + :m",
      "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: +, operand type: M" },
    { "SET a = :ss + :n",
      "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: +, operand type: SS" },
    { "SET a = name", "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "SET name = :s", "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "REMOVE name", "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "SET a = #nope",
      "Invalid UpdateExpression: An expression attribute name used in the document path is not defined; attribute name: #nope" },
    { "SET a = :nope",
      "Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: :nope" },
    { "SET #nope = :nope",
      "Invalid UpdateExpression: An expression attribute name used in the document path is not defined; attribute name: #nope" },
    { "SET #nope = name", "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "SET name = foo(s)", "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "SET a = :s, a = foo(s)", "Invalid UpdateExpression: Invalid function name; function: foo" },
    { "SET a = :s, a = :nope", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one "
                               "of these paths; path one: [a], path two: [a]" },
    { "SET a = ((:s)), name = :s", "Invalid UpdateExpression: The expression has redundant parentheses;" },
    { "SET a = :big + :big", "Number overflow. Attempting to store a number with magnitude larger than supported range" },
    { "SET a = :big - :n", "DynamoDB only supports precision up to 38 digits" },
    { "SET a = :tiny - :n", "DynamoDB only supports precision up to 38 digits" },
    { "SET a = :d38 + :big", "DynamoDB only supports precision up to 38 digits" },
    { "SET a = :d38 + :n",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":"
      "\"6.0000000000000000000000000000000000001\"}}" },
    { "SET n = s, s = n",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"N\":\"5\"},\"n\":{\"S\":\"text\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "SET n = n + :n1, a = n", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"6\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{"
                                "\"BOOL\":true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]"
                                "},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{"
                                "\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":\"5\"}}" },
    { "SET a = if_not_exists(n, zz)", "The provided expression refers to an attribute that does not exist in the item" },
    { "SET a = :e", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":"
                    "true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{"
                    "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":"
                    "{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"S\":\"\"}}" },
    { "SET a = :nu", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":"
                     "true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{"
                     "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{"
                     "\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"NULL\":true}}" },
    { "SET l[0] = l[1], l[1] = l[0]",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"S\":\"two\"},{\"N\":\"1\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "REMOVE ss SET a = ss",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"ns\":{\"NS\":[\"1\",\"2\"]},"
      "\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"a\":{\"SS\":[\"x\",\"y\"]}}" },
    { "SET a = :s ADD a :n", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one "
                             "of these paths; path one: [a], path two: [a]" },
    { "SET m.x = :n REMOVE m.y.z",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"5\"},\"y\":{\"M\":{}}}}}" },
    { "SET a[0] = :n", "The document path provided in the update expression is invalid for update" },
    { "SET a = :s AND n = :n", "Invalid UpdateExpression: Syntax error; token: \"AND\", near: \":s AND n\"" },
    { "SET a = :s;", "Invalid UpdateExpression: Syntax error; token: \";\", near: \":s;\"" },
    { "SET b = :nope, a = :s, a = :s", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or "
                                       "rewrite one of these paths; path one: [a], path two: [a]" },
    { "SET b = #nope, a = :s, a = :s", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or "
                                       "rewrite one of these paths; path one: [a], path two: [a]" },
    { "SET b = :n + :m, a = :s, a = :s", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or "
                                         "rewrite one of these paths; path one: [a], path two: [a]" },
    { "SET a = :s, a = :s, #nope = :s",
      "Invalid UpdateExpression: An expression attribute name used in the document path is not defined; attribute name: #nope" },
    { "SET a = :s REMOVE a, #nope",
      "Invalid UpdateExpression: An expression attribute name used in the document path is not defined; attribute name: #nope" },
    { "SET b = :s ADD c :nope REMOVE b", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or "
                                         "rewrite one of these paths; path one: [b], path two: [b]" },
    { "SET b = if_not_exists(:s, :s), a = :s, a = :s",
      "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path "
      "one: [a], path two: [a]" },
    { "SET a.b = :s, a[0] = :s, a = :s", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or "
                                         "rewrite one of these paths; path one: [a, [0]], path two: [a]" },
    { "SET a = :s, a[0] = :s, a.b = :s", "Invalid UpdateExpression: Two document paths conflict with each other; must remove or "
                                         "rewrite one of these paths; path one: [a, [0]], path two: [a, b]" },
    { "SET a = :s, b = :s, b = :s, a = :s", "Invalid UpdateExpression: Two document paths overlap with each other; must remove "
                                            "or rewrite one of these paths; path one: [b], path two: [b]" },
    { "REMOVE a SET a = :s", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one "
                             "of these paths; path one: [a], path two: [a]" },
    { "REMOVE c SET a = :s, a.b = :n ADD c :n", "Invalid UpdateExpression: Two document paths overlap with each other; must "
                                                "remove or rewrite one of these paths; path one: [a], path two: [a, b]" },
    { "ADD a :b", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: "
                  "BINARY, typeSet: ALLOWED_FOR_ADD_OPERAND" },
    { "ADD a :t", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: "
                  "BOOLEAN, typeSet: ALLOWED_FOR_ADD_OPERAND" },
    { "ADD a :nu", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: "
                   "NULL, typeSet: ALLOWED_FOR_ADD_OPERAND" },
    { "ADD a :m", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: MAP, "
                  "typeSet: ALLOWED_FOR_ADD_OPERAND" },
    { "ADD a :bs", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":"
                   "true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{"
                   "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{"
                   "\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"BS\":[\"YWJj\"]}}" },
    { "DELETE a :bs",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "DELETE a :b", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, operand type: "
                     "BINARY, typeSet: ALLOWED_FOR_DELETE_OPERAND" },
    { "DELETE a :t", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, operand type: "
                     "BOOLEAN, typeSet: ALLOWED_FOR_DELETE_OPERAND" },
    { "DELETE a :nu", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, operand "
                      "type: NULL, typeSet: ALLOWED_FOR_DELETE_OPERAND" },
    { "DELETE a :m", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, operand type: "
                     "MAP, typeSet: ALLOWED_FOR_DELETE_OPERAND" },
    { "DELETE a :l", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, operand type: "
                     "LIST, typeSet: ALLOWED_FOR_DELETE_OPERAND" },
    { "SET a = list_append(list_append(l, :l), :l)",
      "Invalid UpdateExpression: The function is not allowed to be used this way in an expression; function: list_append" },
    { "SET a = list_append(if_not_exists(l, :s), :l)",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"L\":[{"
      "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]}}" },
    { "SET a = if_not_exists(l, list_append(l, :l))",
      "Invalid UpdateExpression: The function is not allowed to be used this way in an expression; function: list_append" },
    { "SET a = if_not_exists(zz, list_append(l, :l))",
      "Invalid UpdateExpression: The function is not allowed to be used this way in an expression; function: list_append" },
    { "SET a = (n)", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":"
                     "true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{"
                     "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{"
                     "\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":\"5\"}}" },
    { "SET a = (:n)", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":"
                      "true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{"
                      "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{"
                      "\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":\"5\"}}" },
    { "SET a = list_append((l), (:l))",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"L\":[{"
      "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]}}" },
    { "SET a = if_not_exists((zz), :n)",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":"
      "\"5\"}}" },
    { "SET a = (n) + (:n) REMOVE zz",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":"
      "\"10\"}}" },
    { "SET a = :n - :n - :n", "Invalid UpdateExpression: Syntax error; token: \"-\", near: \":n - :n\"" },
    { "SET a = :n + -:n", "Invalid UpdateExpression: Syntax error; token: \"-\", near: \"+ -:n\"" },
    { "SET a = - :n", "Invalid UpdateExpression: Syntax error; token: \"-\", near: \"= - :n\"" },
    { "SET a = n+:n", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":"
                      "true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{"
                      "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{"
                      "\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":\"10\"}}" },
    { "SET a = n-:n", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":"
                      "true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{"
                      "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{"
                      "\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":\"0\"}}" },
    { "SET a = m.x-:n", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{"
                        "\"BOOL\":true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":"
                        "{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},"
                        "\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":\"-4\"}}" },
    { "SET a[99999999999] = :n", "Invalid UpdateExpression: List index is not within the allowable range; index: [99999999999]" },
    { "SET set = :n", "Invalid UpdateExpression: Syntax error; token: \"set\", near: \"SET set =\"" },
    { "SET a = set", "Invalid UpdateExpression: Syntax error; token: \"set\", near: \"= set\"" },
    { "SET SET = :n", "Invalid UpdateExpression: Syntax error; token: \"SET\", near: \"SET SET =\"" },
    { "SET a = :n SET", "Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \"SET\"" },
    { "SET remove = :n", "Invalid UpdateExpression: Syntax error; token: \"remove\", near: \"SET remove =\"" },
    { "REMOVE add", "Invalid UpdateExpression: Syntax error; token: \"add\", near: \"REMOVE add\"" },
    { "ADD add :n", "Invalid UpdateExpression: Syntax error; token: \"add\", near: \"ADD add :n\"" },
    { "SET a = begins_with", "The provided expression refers to an attribute that does not exist in the item" },
    { "SET a = size", "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: size" },
    { "SET if_not_exists = :n", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{"
                                "\"BOOL\":true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]"
                                "},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{"
                                "\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"if_not_exists\":{\"N\":\"5\"}}" },
    { "SET a = if_not_exists", "The provided expression refers to an attribute that does not exist in the item" },
    { "SET a = :n, REMOVE b", "Invalid UpdateExpression: Syntax error; token: \"REMOVE\", near: \", REMOVE b\"" },
    { "SET a = :n REMOVE b,", "Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \",\"" },
    { "REMOVE l[0] SET l[0].x = :s", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or "
                                     "rewrite one of these paths; path one: [l, [0]], path two: [l, [0], x]" },
    { "REMOVE l[2] SET l[2].x = :s", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or "
                                     "rewrite one of these paths; path one: [l, [2]], path two: [l, [2], x]" },
    { "REMOVE m.x ADD m.x.y :n", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite "
                                 "one of these paths; path one: [m, x], path two: [m, x, y]" },
    { "SET a = b.c[0] + :n", "The provided expression refers to an attribute that does not exist in the item" },
    { "SET l[1] = :s, l[0] = l[1]",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"S\":\"two\"},{\"S\":\"text\"},"
      "{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "REMOVE l[1], l[0], l[2]",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[]},\"m\":{\"M\":{\"x\":{\"N\":"
      "\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "SET l[5] = :s REMOVE l[0]",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"S\":\"two\"},{\"M\":{\"x\":{"
      "\"N\":\"3\"}}},{\"S\":\"text\"}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "SET m.y.z = :s, m.y.q = :n, m.x = :n",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"5\"},\"y\":{\"M\":{\"z\":{\"S\":\"text\"},\"q\":{\"N\":\"5\"}}"
      "}}}}" },
    { "SET a = n + n", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":"
                       "true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{"
                       "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{"
                       "\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":\"10\"}}" },
    { "SET a = n - n", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":"
                       "true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{"
                       "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{"
                       "\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":\"0\"}}" },
    { "DELETE ns :ns ADD ss :ssx",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{"
      "\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "SET a = if_not_exists(m.x, :n)",
      "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":true},\"nu\":{"
      "\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{"
      "\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":"
      "\"1\"}}" },
    { "SET a = contains(s, :s)",
      "Invalid UpdateExpression: The function is not allowed in an update expression; function: contains" },
    { "SET a = begins_with(name, :s)",
      "Invalid UpdateExpression: The function is not allowed in an update expression; function: begins_with" },
    { "SET a = contains(s, :s), a = name",
      "Invalid UpdateExpression: The function is not allowed in an update expression; function: contains" },
    { "SET a = foo(contains(s))", "Invalid UpdateExpression: Invalid function name; function: foo" },
    { "SET a = list_append(size(s), l)",
      "Invalid UpdateExpression: The function is not allowed in an update expression; function: size" },
    { "SET ss = :n ADD ss :ssx", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite "
                                 "one of these paths; path one: [ss], path two: [ss]" },
    { "ADD a.b :n, a[0] :n", "Invalid UpdateExpression: Two document paths conflict with each other; must remove or rewrite one "
                             "of these paths; path one: [a, b], path two: [a, [0]]" },
    { "SET a = :n", "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},\"bo\":{\"BOOL\":"
                    "true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"l\":{\"L\":[{"
                    "\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":"
                    "{\"z\":{\"S\":\"deep\"}}}}},\"a\":{\"N\":\"5\"}}" },
    { ", a = :n", "Invalid UpdateExpression: Syntax error; token: \",\", near: \", a\"" },
    { "SET a == :n", "Invalid UpdateExpression: Syntax error; token: \"=\", near: \"== :n\"" },
    { "SET a = = :n", "Invalid UpdateExpression: Syntax error; token: \"=\", near: \"= = :n\"" },
    { "SET a <> :n", "Invalid UpdateExpression: Syntax error; token: \"<>\", near: \"a <> :n\"" },
    { "SET a = n AND :n", "Invalid UpdateExpression: Syntax error; token: \"AND\", near: \"n AND :n\"" },
    { "SET a = (n + :n", "Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \":n\"" },
    { "SET a = n + :n)", "Invalid UpdateExpression: Syntax error; token: \")\", near: \":n)\"" },
    { "SET a = if_not_exists(a, :n", "Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \":n\"" },
    { "SET a = if_not_exists(a :n)", "Invalid UpdateExpression: Syntax error; token: \":n\", near: \"a :n)\"" },
    { "SET a = if_not_exists()", "Invalid UpdateExpression: Syntax error; token: \")\", near: \"()\"" },
    { "SET a = if_not_exists a", "Invalid UpdateExpression: Syntax error; token: \"a\", near: \"if_not_exists a\"" },
};

/* The same where there was no item. */
static const struct row rows_of_absent[] = {
    { "SET a = :s", "{\"pk\":{\"S\":\"a\"},\"a\":{\"S\":\"text\"}}" },
    { "ADD n :n", "{\"pk\":{\"S\":\"a\"},\"n\":{\"N\":\"5\"}}" },
    { "REMOVE a", "{\"pk\":{\"S\":\"a\"}}" },
    { "SET m.a = :s", "The document path provided in the update expression is invalid for update" },
    { "DELETE a :ss", "{\"pk\":{\"S\":\"a\"}}" },
    { "REMOVE a.b", "The document path provided in the update expression is invalid for update" },
    { "SET a = if_not_exists(a, :n)", "{\"pk\":{\"S\":\"a\"},\"a\":{\"N\":\"5\"}}" },
    { "SET a = b", "The provided expression refers to an attribute that does not exist in the item" },
};

static const struct row rows_updated_old[] = {
    { "SET l[10] = :s", "{}" },
    { "SET l[1] = :s", "{\"l\":{\"L\":[{\"S\":\"two\"}]}}" },
    { "SET m.x = :s", "{\"m\":{\"M\":{\"x\":{\"N\":\"1\"}}}}" },
    { "REMOVE m.x", "{\"m\":{\"M\":{\"x\":{\"N\":\"1\"}}}}" },
    { "REMOVE l[0]", "{\"l\":{\"L\":[{\"N\":\"1\"}]}}" },
    { "SET l[0] = :s, l[2] = :n", "{\"l\":{\"L\":[{\"N\":\"1\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]}}" },
    { "SET l[2].x = :s, l[0] = :n", "{\"l\":{\"L\":[{\"N\":\"1\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]}}" },
    { "DELETE ss :ss", "{\"ss\":{\"SS\":[\"x\",\"y\"]}}" },
    { "ADD zz :n", "{}" },
    { "SET zz = :n REMOVE s", "{\"s\":{\"S\":\"text\"}}" },
    { "REMOVE m.y.z", "{\"m\":{\"M\":{\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "SET m.q = :s", "{}" },
    { "REMOVE l[0] SET l[1] = :s", "{\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"}]}}" },
};

static const struct row rows_updated_new[] = {
    { "SET l[10] = :s", "{}" },
    { "SET l[1] = :s", "{\"l\":{\"L\":[{\"S\":\"text\"}]}}" },
    { "SET m.x = :s", "{\"m\":{\"M\":{\"x\":{\"S\":\"text\"}}}}" },
    { "REMOVE m.x", "{}" },
    { "REMOVE l[0]", "{\"l\":{\"L\":[{\"S\":\"two\"}]}}" },
    { "SET l[0] = :s, l[2] = :n", "{\"l\":{\"L\":[{\"S\":\"text\"},{\"N\":\"5\"}]}}" },
    { "SET l[2].x = :s, l[0] = :n", "{\"l\":{\"L\":[{\"N\":\"5\"},{\"M\":{\"x\":{\"S\":\"text\"}}}]}}" },
    { "DELETE ss :ss", "{\"ss\":{\"SS\":[\"y\"]}}" },
    { "ADD zz :n", "{\"zz\":{\"N\":\"5\"}}" },
    { "SET zz = :n REMOVE s", "{\"zz\":{\"N\":\"5\"}}" },
    { "REMOVE m.y.z", "{}" },
    { "SET m.q = :s", "{\"m\":{\"M\":{\"q\":{\"S\":\"text\"}}}}" },
    { "REMOVE l[0] SET l[1] = :s", "{\"l\":{\"L\":[{\"S\":\"text\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]}}" },
};

enum returned { RETURN_NEW, RETURN_UPDATED_OLD, RETURN_UPDATED_NEW };

static enum lf_code apply(struct fixture *fixture, const char *expression, const struct item *old, enum returned returned,
                          struct item *ret_item, struct err *err)
{
    static const struct span keys[] = { { "pk", 2 } };
    struct attribute key = { SPAN("pk"), value_string(SPAN("a")) };
    struct update update;
    struct projection projection;
    struct item new_item;
    TRY(update_parse(span_from_cstr(expression), &fixture->inputs, &fixture->arena, &update, err));
    TRY(update_check_keys(&update, keys, ROWS(keys), err));
    TRY(update_apply(&update, old, &(struct item){ &key, 1 }, &fixture->arena, &new_item, err));
    *ret_item = new_item;
    if (returned == RETURN_NEW)
        return item_copy(&new_item, &fixture->arena, ret_item, err);
    TRY(update_projection(&update, &fixture->arena, &projection, err));
    return projection_apply(&projection, returned == RETURN_UPDATED_OLD ? old : &new_item, &fixture->arena, ret_item, err);
}

static void check_rows(struct fixture *fixture, const struct row *rows_to_check, size_t count, const struct item *old,
                       enum returned returned)
{
    for (size_t i = 0; i < count; i++) {
        struct err err = ERR_INIT;
        struct item item;
        enum lf_code code = apply(fixture, rows_to_check[i].expression, old, returned, &item, &err);
        if (code != LF_OK)
            fixture_check_error(&rows_to_check[i], code, &err);
        else if (!fixture_same(fixture, &item, rows_to_check[i].result))
            fail_msg("%s is not %s", rows_to_check[i].expression, rows_to_check[i].result);
    }
}

static void test_rows(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    struct hash128 before = item_hash(&fixture.item);
    check_rows(&fixture, rows, ROWS(rows), &fixture.item, RETURN_NEW);
    check_rows(&fixture, rows_of_absent, ROWS(rows_of_absent), NULL, RETURN_NEW);
    assert_true(hash128_equal(before, item_hash(&fixture.item))); /* the old item is left alone */
    fixture_done(&fixture);
}

static void test_returned(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    check_rows(&fixture, rows_updated_old, ROWS(rows_updated_old), &fixture.item, RETURN_UPDATED_OLD);
    check_rows(&fixture, rows_updated_new, ROWS(rows_updated_new), &fixture.item, RETURN_UPDATED_NEW);
    fixture_done(&fixture);
}

/* What no action touches is the old item's, not a copy. */
static void test_shares(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err = ERR_INIT;
    struct update update;
    struct item new_item;
    fixture_init(&fixture);
    assert_int_equal(update_parse(SPAN("SET m.x = :n"), &fixture.inputs, &fixture.arena, &update, &err), LF_OK);
    assert_int_equal(update_apply(&update, &fixture.item, NULL, &fixture.arena, &new_item, &err), LF_OK);
    assert_ptr_equal(item_get(&new_item, SPAN("l"))->list.values, item_get(&fixture.item, SPAN("l"))->list.values);
    assert_ptr_equal(item_get(&new_item, SPAN("s"))->bytes.ptr, item_get(&fixture.item, SPAN("s"))->bytes.ptr);
    const struct value *y_new = map_get(item_get(&new_item, SPAN("m")), SPAN("y"));
    const struct value *y_old = map_get(item_get(&fixture.item, SPAN("m")), SPAN("y"));
    assert_ptr_equal(y_new->map.attributes, y_old->map.attributes);
    fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_returned),
                                        cmocka_unit_test(test_shares) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
