#include "source/md5.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct md5 {
    EVP_MD_CTX *context; /* owned */
};

struct md5 *md5_new(void)
{
    struct md5 *md5 = malloc(sizeof *md5);
    if (!md5)
        return NULL;
    md5->context = EVP_MD_CTX_new();
    if (md5->context && EVP_DigestInit_ex(md5->context, EVP_md5(), NULL) == 1)
        return md5;
    md5_free(md5);
    return NULL;
}

void md5_free(struct md5 *md5)
{
    if (md5)
        EVP_MD_CTX_free(md5->context);
    free(md5);
}

/* Update and final of an initialised software digest cannot fail; a wrong digest would be noticed as a difference anyway. */
void md5_update(struct md5 *md5, struct span bytes)
{
    (void)EVP_DigestUpdate(md5->context, bytes.ptr, bytes.len);
}

void md5_finish(struct md5 *md5, char ret_base64[MD5_BASE64_BYTES + 1])
{
    unsigned char digest[EVP_MAX_MD_SIZE] = { 0 };
    (void)EVP_DigestFinal_ex(md5->context, digest, NULL);
    (void)EVP_EncodeBlock((unsigned char *)ret_base64, digest, 16);
}

enum lf_code md5_of(struct span bytes, char ret_base64[MD5_BASE64_BYTES + 1], struct err *err)
{
    struct md5 *md5 = md5_new();
    if (!md5)
        return ERR(err, LF_MEMORY, "cannot set up an MD5 digest");
    md5_update(md5, bytes);
    md5_finish(md5, ret_base64);
    md5_free(md5);
    return LF_OK;
}
