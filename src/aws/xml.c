#include "aws/xml.h"

#include <expat.h>

#include "base/buf.h"

enum { DEPTH_MAX = 32, PATH_BYTES_MAX = 4096, TEXT_BYTES_MAX = 1024 * 1024 };

struct reading {
    XML_Parser parser;
    xml_element *element;
    void *context;
    struct err *err; /* filled when a handler stops the parser */
    struct buf path, text;
    unsigned depth;
};

static void stop(struct reading *reading)
{
    (void)XML_StopParser(reading->parser, XML_FALSE);
}

/* "http://s3.amazonaws.com/doc/2006-03-01/|Key" or "s3:Key": the name is behind the last mark. */
static struct span local_name(const char *name)
{
    struct span rest = span_from_cstr(name);
    for (size_t at; (at = span_find_byte(rest, '|')) < rest.len;)
        rest = span_from(rest, at + 1);
    return rest;
}

static void XMLCALL on_start(void *context, const char *name, const char **attributes)
{
    (void)attributes;
    struct reading *reading = context;
    if (reading->depth++)
        buf_put_byte(&reading->path, '/');
    buf_put_span(&reading->path, local_name(name));
    buf_reset(&reading->text);
    if (reading->depth > DEPTH_MAX || reading->path.failed) {
        (void)ERR(reading->err, LF_LIMIT, "XML with more than %d elements in each other", DEPTH_MAX);
        stop(reading);
    }
}

static void XMLCALL on_end(void *context, const char *name)
{
    struct reading *reading = context;
    if (buf_check(&reading->text, reading->err) != LF_OK ||
        reading->element(reading->context, buf_span(&reading->path), buf_span(&reading->text), reading->err) != LF_OK)
        stop(reading);
    buf_reset(&reading->text);
    reading->path.len -= local_name(name).len + (--reading->depth > 0);
}

static void XMLCALL on_text(void *context, const char *text, int len)
{
    struct reading *reading = context;
    buf_put(&reading->text, text, (size_t)len);
}

static void XMLCALL on_doctype(void *context, const char *name, const char *system_id, const char *public_id, int has_internal)
{
    (void)name, (void)system_id, (void)public_id, (void)has_internal;
    struct reading *reading = context;
    (void)ERR(reading->err, LF_SYNTAX, "XML with a document type");
    stop(reading);
}

static enum lf_code parse(struct reading *reading, struct span document, struct err *err)
{
    XML_SetUserData(reading->parser, reading);
    XML_SetElementHandler(reading->parser, on_start, on_end);
    XML_SetCharacterDataHandler(reading->parser, on_text);
    XML_SetStartDoctypeDeclHandler(reading->parser, on_doctype);
    if (document.len > INT32_MAX)
        return ERR(err, LF_LIMIT, "XML of %zu bytes", document.len);
    if (XML_Parse(reading->parser, document.ptr, (int)document.len, XML_TRUE) == XML_STATUS_OK)
        return LF_OK;
    if (reading->err->code != LF_OK)
        return reading->err->code;
    long at = XML_GetCurrentByteIndex(reading->parser);
    return ERR_AT(err, LF_SYNTAX, at, "byte %ld: not XML: %s", at, XML_ErrorString(XML_GetErrorCode(reading->parser)));
}

enum lf_code xml_read(struct span document, xml_element *element, void *context, struct err *err)
{
    struct err stopped = ERR_INIT;
    struct reading reading = { .parser = XML_ParserCreateNS(NULL, '|'), .element = element, .context = context, .err = &stopped };
    if (!reading.parser)
        return ERR(err, LF_MEMORY, "out of memory for XML");
    buf_init(&reading.path, PATH_BYTES_MAX);
    buf_init(&reading.text, TEXT_BYTES_MAX);
    enum lf_code code = parse(&reading, document, err);
    if (stopped.code != LF_OK)
        *err = stopped;
    XML_ParserFree(reading.parser);
    buf_done(&reading.path);
    buf_done(&reading.text);
    return code;
}
