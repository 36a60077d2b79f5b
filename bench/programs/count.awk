# Downloads by day, request and agent in a log of the combined form, and how many there are.
$2 ~ /^GET .*\/packages\/.*\.(whl|tar\.gz) / && $3 ~ /^ 200 / {
    counts[substr($1, index($1, "[") + 1, 11) SUBSEP $2 SUBSEP $6]++
    total++
}
END { for (key in counts) rows++; print total, rows }
