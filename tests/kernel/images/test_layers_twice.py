"""An image may list a layer twice, which overlayfs refuses to mount twice."""

from tests.kernel.images.conftest import Builder


def test_steps_that_write_the_same_files_give_one_layer_that_counts_in_its_upper_place(builder: Builder) -> None:
    image = builder.build(
        """
        FROM localhost/bb:1
        ENV SOURCE_DATE_EPOCH=1
        RUN echo one > /file && touch -d @1 /file
        RUN echo two > /file && touch -d @1 /file
        RUN echo one > /file && touch -d @1 /file
        RUN echo $(cat /file) once more
        """
    )

    assert "one once more" in builder.output
    assert image.layers[1] == image.layers[3]
    assert len(image.layers) == 4
    assert [entry.empty for entry in image.history[-5:]] == [True, False, False, False, True]
