"""A film review, judged by a served network after each word."""
