//! Citations in an answer: `[1]`, `[1, 3]`, numbered as the evidence is.

use super::event::Hit;

/// The numbers cited in a text, each once, in the order of their first citation; those above `evidence` are left out,
/// since they point at nothing.
pub fn numbers(text: &str, evidence: usize) -> Vec<usize> {
    let mut found = Vec::new();
    for inside in text
        .split('[')
        .skip(1)
        .filter_map(|rest| rest.split_once(']').map(|(inside, _)| inside))
    {
        let cited: Option<Vec<usize>> = inside
            .split(',')
            .map(|number| number.trim().parse().ok())
            .collect();
        for number in cited.into_iter().flatten() {
            if (1..=evidence).contains(&number) && !found.contains(&number) {
                found.push(number);
            }
        }
    }
    found
}

/// The ids of the cited hits, in the order of their first citation.
pub fn ids(text: &str, hits: &[Hit]) -> Vec<String> {
    numbers(text, hits.len())
        .into_iter()
        .filter_map(|number| hits.get(number - 1))
        .map(|hit| hit.id.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_order_and_once() {
        assert_eq!(numbers("a [2], b [1, 3] and [2]; c[4].", 5), [2, 1, 3, 4]);
    }

    #[test]
    fn what_points_at_nothing_is_no_citation() {
        assert_eq!(numbers("[0] [6] [x] [1 2] [] [", 5), Vec::<usize>::new());
        assert_eq!(numbers("[[1]]", 5), [1]);
    }
}
