
/* OpenSSL's symbols are hidden in this executable; one call stays within reach of ctypes, for chains of more than 100 KiB
   (anywhere/hosts/probe/go/long_chains.py). Appended to Modules/_ssl.c. */
__attribute__((visibility("default"))) long
anywhere_SSL_CTX_ctrl(SSL_CTX *context, int command, long number, void *pointer)
{
    return SSL_CTX_ctrl(context, command, number, pointer);
}
